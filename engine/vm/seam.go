package vm

import (
	"encoding/json"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// The functions of this file are the library engineer's: move them to your
// files with their real bodies and delete this one.

func appError(L *lua.LState, err *bindings.Error) lua.LValue { return lua.LString(err.Error()) }
func appErrorOf(v lua.LValue) *bindings.Error                { return nil }

// module gives the module that require "app" answers.
func (m *Machine) module(app string) lua.LValue { return lua.LNil }

// eventValue makes the event table that a handler gets, data decoded by its
// declared type.
func eventValue(L *lua.LState, act *Activation) lua.LValue {
	var plain map[string]any
	_ = json.Unmarshal(act.Event, &plain)
	t := L.CreateTable(0, len(plain))
	for k, v := range plain {
		if text, ok := v.(string); ok {
			t.RawSetString(k, lua.LString(text))
		}
	}
	return t
}

func openSecret(s Secret, lookup func(string) (string, error)) (string, error) { return "", nil }

func onLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{"on": function(func(L *lua.LState) int {
		activationOf(L).register(L, registered{
			Registration: Registration{Triggers: []string{L.CheckString(1)}},
			handler:      L.CheckFunction(L.GetTop()),
		})
		return 0
	})}
}
