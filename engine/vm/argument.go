package vm

import (
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// wantText returns argument n as text and raises an error if it is none. what
// names the function and the argument in the error: "text.trim: the text".
func wantText(L *lua.LState, n int, what string) string {
	return textArg(L, L.Get(n), what)
}

func textArg(L *lua.LState, v lua.LValue, what string) string {
	s, ok := plainText(v)
	if !ok {
		raise(L, "%s must be a text, found %s", what, describe(v))
	}
	return s
}

// wantTable returns argument n, which must be a table.
func wantTable(L *lua.LState, n int, what string) *lua.LTable {
	t, ok := L.Get(n).(*lua.LTable)
	if !ok {
		raise(L, "%s must be a table, found %s", what, describe(L.Get(n)))
	}
	return t
}

// wantOptions returns argument n as a table of options, nil if it is left out.
// A name that is not in known is an error.
func wantOptions(L *lua.LState, n int, function string, known ...string) *lua.LTable {
	if L.Get(n) == lua.LNil {
		return nil
	}
	t := wantTable(L, n, function+": the options")
	for key, _ := t.Next(lua.LNil); key != lua.LNil; key, _ = t.Next(key) {
		activationOf(L).charge(L, 1, 0)
		name, ok := key.(lua.LString)
		if !ok {
			raise(L, "%s: options are written name = value, found the item %s; known are %s",
				function, describe(key), strings.Join(known, ", "))
		}
		if !slices.Contains(known, string(name)) {
			raise(L, "%s: unknown option %q%s; known are %s", function, brief(string(name), 40),
				didYouMean(string(name), known), strings.Join(known, ", "))
		}
	}
	return t
}

// didYouMean suggests the most similar of the known names: "; did you mean
// upsert?". It is empty if none is similar.
func didYouMean(name string, known []string) string {
	if near := bindings.Nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// option returns a field of options, which may be nil.
func option(options *lua.LTable, name string) lua.LValue {
	if options == nil {
		return lua.LNil
	}
	return options.RawGetString(name)
}

// textOption returns the text of an option, empty if it is left out.
func textOption(L *lua.LState, options *lua.LTable, function, name string) string {
	v := option(options, name)
	if v == lua.LNil {
		return ""
	}
	return textArg(L, v, function+": the option "+name)
}

// countOption returns an option that must be a whole number of at least
// minimum, absent if it is left out.
func countOption(L *lua.LState, options *lua.LTable, function, name string, minimum, absent int) int {
	v := option(options, name)
	if v == lua.LNil {
		return absent
	}
	n, ok := v.(lua.LNumber)
	if !ok || float64(n) != float64(int(n)) || int(n) < minimum {
		raise(L, "%s: the option %s must be a whole number from %d, found %s", function, name, minimum, describe(v))
	}
	return int(n)
}

// durationOption returns an option in seconds or a text such as "30s", zero if
// it is left out.
func durationOption(L *lua.LState, options *lua.LTable, function, name string) time.Duration {
	switch v := option(options, name).(type) {
	case *lua.LNilType:
		return 0
	case lua.LNumber:
		if v > 0 && float64(v) < maxSpan.Seconds() {
			return time.Duration(float64(v) * float64(time.Second))
		}
	case lua.LString:
		s, err := parseSpan(string(v))
		if err != nil {
			raise(L, "%s: the option %s: %v", function, name, err)
		}
		d, err := s.duration()
		if err != nil {
			raise(L, "%s: the option %s: %v", function, name, err)
		}
		if d > 0 {
			return d
		}
	}
	raise(L, "%s: the option %s must be seconds or a text such as \"30s\", found %s", function, name, describe(option(options, name)))
	return 0
}
