package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// hookOptions are the options that on and every have in common.
var (
	hookOptions = []string{
		"name", "connection", "where", "changed", "lane", "overlap", "debounce", "echo", "retry", "timeout", "on_uncertain", "limits",
	}
	onOptions    = append(hookOptions[:len(hookOptions):len(hookOptions)], "verify", "id", "record", "methods", "raw", "respond", "within")
	everyOptions = append(hookOptions[:len(hookOptions):len(hookOptions)], "tz", "missed")
)

// onFunction is on(trigger or list, [options,] fn): a hook for events.
func onFunction(L *lua.LState) int {
	r := hook(L, "on", onOptions)
	switch v := L.Get(1).(type) {
	case lua.LString:
		r.Triggers = []string{triggerText(L, v)}
	case *lua.LTable:
		for i := 1; i <= v.MaxN(); i++ {
			activationOf(L).charge(L, 1, 16)
			r.Triggers = append(r.Triggers, triggerText(L, v.RawGetInt(i)))
		}
	}
	if len(r.Triggers) == 0 {
		raise(L, "on: the first argument must be a trigger such as \"highlevel.contact.created\", or a list of them; found %s", describe(L.Get(1)))
	}
	activationOf(L).register(L, r)
	return 0
}

func triggerText(L *lua.LState, v lua.LValue) string {
	s, ok := v.(lua.LString)
	if !ok || strings.TrimSpace(string(s)) == "" {
		raise(L, "on: a trigger must be a text such as \"highlevel.contact.created\", found %s", describe(v))
	}
	return strings.Clone(string(s))
}

// everyFunction is every(schedule, [options,] fn): a hook for a schedule.
func everyFunction(L *lua.LState) int {
	r := hook(L, "every", everyOptions)
	s, ok := L.Get(1).(lua.LString)
	if !ok || strings.TrimSpace(string(s)) == "" {
		raise(L, "every: the first argument must be a schedule such as \"15m\" or \"day at 09:00\", found %s", describe(L.Get(1)))
	}
	r.Every = strings.Clone(string(s))
	activationOf(L).register(L, r)
	return 0
}

// hook reads what on and every have in common: the options and the function.
func hook(L *lua.LState, name string, known []string) registered {
	last := L.GetTop()
	if last > 3 {
		raise(L, "%s takes a trigger, a table of options if there are any, and a function; found %d arguments", name, last)
	}
	handler, ok := L.Get(last).(*lua.LFunction)
	if !ok || last < 2 {
		raise(L, "%s: the last argument must be the function that handles the event, found %s", name, describe(L.Get(max(last, 2))))
	}
	r := registered{handler: handler}
	if last < 3 {
		return r
	}
	options := wantOptions(L, 2, name, known...)
	if options == nil {
		return r
	}
	e := &encoder{secrets: map[string]Secret{}, functions: &r.Functions}
	if err := activationOf(L).write(L, e, func() error { return e.object(options, shape{}) }); err != nil {
		raise(L, "%s: %v", name, err)
	}
	r.Options = e.out
	if len(e.secrets) > 0 {
		r.Secrets = e.secrets
	}
	for _, option := range r.Functions {
		if option != "where" {
			raise(L, "%s: the option %s cannot be a function; only where can", name, option)
		}
		r.functions = map[string]*lua.LFunction{"where": options.RawGetString("where").(*lua.LFunction)}
	}
	return r
}

// onLibrary returns the functions that register hooks.
func onLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"on": function(onFunction), "every": function(everyFunction)}
}
