package vm

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// After returns the time at which a length of time that began at t is over: "3
// days", "90 minutes", "1 month". Days and months are those of the zone's
// calendar.
func After(length string, t time.Time, zone *time.Location) (time.Time, error) {
	s, err := parseSpan(length)
	if err != nil {
		return time.Time{}, err
	}
	return s.after(t, zone), nil
}

// maxWaitSeconds bounds a wait in seconds, so that a time in seconds since 1970
// is an error and not a length.
const maxWaitSeconds = 1e9

// waitFunction is wait(length of time) or wait(time): a step that ends when it
// is over.
func waitFunction(L *lua.LState) int {
	a := activationOf(L)
	g := a.arguments(L, "wait")
	if text, ok := L.Get(1).(lua.LString); ok {
		if _, err := parseSpan(brief(string(text), 200)); err != nil {
			until, isTime := parseTime(string(text), a.zone())
			if !isTime {
				raise(L, "wait: %q is neither a length of time such as \"3 days\" nor a time such as \"2026-12-01T09:00:00Z\"", brief(string(text), 40))
			}
			a.step(L, g.text("until", formatTime(until)).step(StepWait))
			return 0
		}
	}
	a.step(L, g.text("for", wantLength(L, L.Get(1), "wait")).step(StepWait))
	return 0
}

// wantLength returns the text of a value that must be a length of time.
func wantLength(L *lua.LState, v lua.LValue, what string) string {
	activationOf(L).charge(L, 20, 64)
	switch v := v.(type) {
	case lua.LNumber:
		switch {
		case v > maxWaitSeconds:
			raise(L, "%s: %s seconds are more than 30 years; a time in seconds since 1970 is written time.at(%s)", what, numberText(v), numberText(v))
		case v >= 0:
			return strconv.FormatFloat(float64(v), 'f', -1, 64) + " seconds"
		}
	case lua.LString:
		if _, err := parseSpan(brief(string(v), 200)); err != nil {
			raise(L, "%s: %v", what, err)
		}
		return string(v)
	}
	raise(L, "%s: a length of time must be a text such as \"3 days\" or seconds, found %s", what, describe(v))
	return ""
}

// waitForFunction is wait_for(trigger or list, { where, timeout, connection })
// or wait_for(approval, { timeout }): a step that returns the event or the
// decision, or nil and an error of kind timeout.
func waitForFunction(L *lua.LState) int {
	a := activationOf(L)
	g := a.arguments(L, "wait_for")
	g.e.secrets = nil // the arguments are stored
	triggers, approval := awaited(L)
	if approval != "" {
		options := wantOptions(L, 2, "wait_for(approval)", "timeout")
		g.text("approval", approval).timeout(options)
	} else {
		options := wantOptions(L, 2, "wait_for", "where", "timeout", "connection")
		g.set("triggers", triggers).set("where", whereOption(L, options)).timeout(options)
		if name := textOption(L, options, "wait_for", "connection"); name != "" {
			g.text("connection", name)
		}
	}
	raw, err := a.tryStep(L, g.step(StepAwait))
	if err != nil {
		table := appError(L, err, a.steps)
		if err.Kind != bindings.Timeout {
			raiseValue(L, table)
		}
		L.Push(lua.LNil)
		L.Push(table)
		return 2
	}
	if approval != "" {
		L.Push(a.decode(L, raw, nil, nil, true))
	} else {
		L.Push(a.awaitedEvent(L, raw))
	}
	return 1
}

// awaited reads the first argument of wait_for: the list of triggers, or the
// id of an approval.
func awaited(L *lua.LState) (triggers *lua.LTable, approval string) {
	a := activationOf(L)
	triggers = asList(newTable(1, 0))
	add := func(v lua.LValue) {
		a.charge(L, 10, 64)
		name, ok := v.(lua.LString)
		if !ok {
			raise(L, "wait_for: a trigger must be a text such as \"highlevel.contact.updated\", found %s", describe(v))
		}
		if _, known := slices.BinarySearch(a.program.awaits, string(name)); !known {
			raise(L, "wait_for: %q: %s", brief(string(name), 80), writeLiteral)
		}
		triggers.Append(name)
	}
	switch v := L.Get(1).(type) {
	case lua.LString:
		add(v)
		return triggers, ""
	case *lua.LTable:
		for i := 1; i <= v.MaxN(); i++ {
			add(v.RawGetInt(i))
		}
		if triggers.MaxN() > 0 {
			return triggers, ""
		}
		if id, ok := v.RawGetString("id").(lua.LString); ok && id != "" {
			return nil, string(id)
		}
	}
	raise(L, "wait_for: the first argument must be a trigger such as \"highlevel.contact.updated\", a list of them, or what approval returned; found %s",
		describe(L.Get(1)))
	return nil, ""
}

// whereOption returns the option where: the values that an event must have.
// They are texts, numbers and booleans by path, or lists of them.
func whereOption(L *lua.LState, options *lua.LTable) lua.LValue {
	v := option(options, "where")
	if v == lua.LNil {
		return v
	}
	where, ok := v.(*lua.LTable)
	if !ok {
		raise(L, "wait_for: where must be a table such as { status = \"paid\" }, found %s", describe(v))
	}
	a := activationOf(L)
	scalar := func(path string, v lua.LValue) {
		a.charge(L, 5, 0)
		if _, ok := plainText(v); !ok && v.Type() != lua.LTBool {
			raise(L, "wait_for: where: %s must be a text, number, boolean or a list of them, found %s; a field of a table is written [%q]",
				brief(path, 60), describe(v), brief(path, 60)+".field")
		}
	}
	for key, v := where.Next(lua.LNil); key != lua.LNil; key, v = where.Next(key) {
		path, ok := key.(lua.LString)
		if !ok {
			raise(L, "wait_for: where: values are written path = value, found the item %s", describe(key))
		}
		list, ok := v.(*lua.LTable)
		if !ok || list.MaxN() == 0 {
			if ok && isList(list) {
				raise(L, "wait_for: where: %s: an empty list matches nothing", brief(string(path), 60))
			}
			scalar(string(path), v)
			continue
		}
		for i := 1; i <= list.MaxN(); i++ {
			scalar(string(path), list.RawGetInt(i))
		}
	}
	return where
}

// timeout adds the option timeout.
func (g *arguments) timeout(options *lua.LTable) {
	if v := option(options, "timeout"); v != lua.LNil {
		g.text("timeout", wantLength(g.L, v, g.function+": the option timeout"))
	}
}

// awaitedEvent makes the table of an event that a run waited for. Its data is
// decoded by the type that its trigger declares.
func (a *activation) awaitedEvent(L *lua.LState, raw json.RawMessage) lua.LValue {
	if isEmptyJSON(raw) {
		return lua.LNil
	}
	var head struct{ Type string }
	act := Activation{Event: raw}
	if json.Unmarshal(raw, &head) == nil {
		if act.App = a.machine.apps[bindings.TriggerName(head.Type).App()]; act.App != nil && act.App.Catalogue != nil {
			if trigger, found := act.App.Catalogue.Trigger(head.Type); found {
				act.Data = trigger.Data
			}
		}
	}
	return eventValue(L, &act)
}

// Bounds of the texts on the page of an approval, in bytes, and of the number
// of choices.
const (
	maxTitle   = 200
	maxText    = 10_000
	maxChoice  = 60
	maxChoices = 10
)

// approvalFunction is approval { title, text, choices, timeout }: a step that
// returns the id and the url of a page on which somebody decides.
func approvalFunction(L *lua.LState) int {
	const function = "approval"
	if _, ok := L.Get(1).(*lua.LTable); !ok {
		raise(L, "approval takes a table such as { title = \"Pay this invoice?\" }, found %s", describe(L.Get(1)))
	}
	options := wantOptions(L, 1, function, "title", "text", "choices", "timeout")
	title := strings.TrimSpace(textOption(L, options, function, "title"))
	if title == "" || len(title) > maxTitle {
		raise(L, "approval: the title is required and has %d bytes at most, found %s", maxTitle, describe(option(options, "title")))
	}
	text := textOption(L, options, function, "text")
	if len(text) > maxText {
		raise(L, "approval: the text has %s; %s at most", bytesText(int64(len(text))), bytesText(maxText))
	}
	a := activationOf(L)
	g := a.arguments(L, function)
	g.e.secrets = nil // a page displays the text
	g.text("title", title)
	if text != "" {
		g.text("text", text)
	}
	g.set("choices", choices(L, option(options, "choices"))).timeout(options)
	L.Push(a.decodeStep(L, g.step(StepApproval)))
	return 1
}

// choices returns the list of choices, approve and reject by default.
func choices(L *lua.LState, v lua.LValue) *lua.LTable {
	all := asList(newTable(2, 0))
	if v == lua.LNil {
		all.Append(lua.LString("approve"))
		all.Append(lua.LString("reject"))
		return all
	}
	list, ok := v.(*lua.LTable)
	if !ok || list.MaxN() == 0 || list.MaxN() > maxChoices {
		raise(L, "approval: the choices are a list of 1 to %d texts such as { \"approve\", \"reject\" }, found %s", maxChoices, describe(v))
	}
	seen := map[string]bool{}
	for i := 1; i <= list.MaxN(); i++ {
		choice, ok := list.RawGetInt(i).(lua.LString)
		switch text := strings.TrimSpace(string(choice)); {
		case !ok || text == "" || len(text) > maxChoice:
			raise(L, "approval: choice %d must be a text of %d bytes at most, found %s", i, maxChoice, describe(list.RawGetInt(i)))
		case seen[text]:
			raise(L, "approval: the choice %q is listed twice", text)
		default:
			seen[text] = true
			all.Append(lua.LString(text))
		}
	}
	return all
}
