package vm

import (
	"encoding/json"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// appErrorMark is what the metatables of app errors have: tables with the
// fields of a bindings.Error, which print as its line. Each error has a
// metatable of its own, with the number of the step that it came from.
var appErrorMark = map[string]lua.LValue{
	"__metatable": lua.LFalse, "__concat": function(concatSpecial), "__tostring": function(textSpecial),
	appErrorSign: appErrorTrue,
}

// The metatable is known by a field that no script can give to one of its
// own; others hold the step, and whether the error was retryable when it came.
const (
	appErrorSign  = "app error"
	appErrorStep  = "step"
	appErrorAgain = "retryable"
)

var appErrorTrue = &lua.LUserData{}

// appError makes the table that a script sees of the app error of a step.
func appError(L *lua.LState, err *bindings.Error, step int) *lua.LTable {
	a := activationOf(L)
	a.charge(L, 20, 2<<10+int64(len(err.Message)+len(err.Body)))
	t := newTable(0, 10)
	set := func(name, value string) {
		if value != "" {
			t.RawSetString(name, lua.LString(value))
		}
	}
	set("kind", string(err.Kind))
	if err.Status != 0 {
		t.RawSetString("status", lua.LNumber(err.Status))
	}
	set("code", err.Code)
	set("message", err.Message)
	set("app", err.App)
	set("operation", err.Operation)
	set("connection", err.Connection)
	set("request_id", err.RequestID)
	t.RawSetString("retryable", lua.LBool(err.Retryable))
	if !isEmptyJSON(err.Body) {
		if body, bad := a.read(L, decoder{text: err.Body}, shape{}); bad == nil {
			t.RawSetString("body", body)
		} else {
			set("body", string(err.Body))
		}
	}
	mark := newTable(0, len(appErrorMark)+2)
	for name, value := range appErrorMark { // no script can list it
		mark.RawSetString(name, value)
	}
	mark.RawSetString(appErrorStep, lua.LNumber(step))
	mark.RawSetString(appErrorAgain, lua.LBool(err.Retryable))
	t.Metatable = mark
	return t
}

// stepOf gives the number of the step that an app error came from.
func stepOf(err *lua.LTable) int {
	step, _ := err.Metatable.(*lua.LTable).RawGetString(appErrorStep).(lua.LNumber)
	return int(step)
}

// isAppError tells an app error from other values.
func isAppError(v lua.LValue) bool {
	t, ok := v.(*lua.LTable)
	if !ok {
		return false
	}
	mark, ok := t.Metatable.(*lua.LTable)
	return ok && mark.RawGetString(appErrorSign) == lua.LValue(appErrorTrue)
}

// maxErrorBody bounds what is kept of the vendor's answer when an app error
// leaves a script, which may have put anything there.
const maxErrorBody = 256 << 10

// appErrorOf gives the error that a table stands for, nil if it is none.
func appErrorOf(v lua.LValue) *bindings.Error {
	err := appErrorHead(v)
	if err == nil {
		return nil
	}
	if body := v.(*lua.LTable).RawGetString("body"); body != lua.LNil {
		e := encoder{most: maxErrorBody}
		if e.encode(body, nil) == nil {
			err.Body = json.RawMessage(e.out)
		}
	}
	return err
}

// appErrorHead gives the error without the vendor's answer.
func appErrorHead(v lua.LValue) *bindings.Error {
	if !isAppError(v) {
		return nil
	}
	t := v.(*lua.LTable)
	get := func(name string) string {
		s, _ := plainText(t.RawGetString(name))
		return s
	}
	err := &bindings.Error{
		Kind: bindings.ErrorKind(get("kind")), Code: get("code"), Message: get("message"), App: get("app"),
		Operation: get("operation"), Connection: get("connection"), RequestID: get("request_id"),
		// A script that changes the field can only forbid another attempt.
		Retryable: t.RawGetString("retryable") == lua.LTrue && t.Metatable.(*lua.LTable).RawGetString(appErrorAgain) == lua.LTrue,
	}
	if status, ok := t.RawGetString("status").(lua.LNumber); ok {
		err.Status = int(status)
	}
	return err
}

// appErrorLine is how an app error prints.
func appErrorLine(v lua.LValue) (string, bool) {
	if err := appErrorHead(v); err != nil {
		return err.Error(), true
	}
	return "", false
}

// textSpecial is tostring of the values of our own: an error's line, a
// secret's name, a number's digits.
func textSpecial(L *lua.LState) int {
	v := L.Get(1)
	text, ok := appErrorLine(v)
	if !ok {
		if text, ok = plainText(v); !ok {
			text = secretOf(v).String()
		}
	}
	activationOf(L).chargeString(L, len(text))
	L.Push(lua.LString(text))
	return 1
}

// concatSpecial is .. where one side is an app error or a secret: an error
// gives its line, a secret keeps the result secret.
func concatSpecial(L *lua.LState) int {
	left, right := L.Get(1), L.Get(2)
	if line, ok := appErrorLine(left); ok {
		left = lua.LString(line)
	}
	if line, ok := appErrorLine(right); ok {
		right = lua.LString(line)
	}
	if secretOf(left) != nil || secretOf(right) != nil {
		L.Push(joinSecret(L, left, right))
		return 1
	}
	l := textArg(L, left, "the left side of ..")
	r := textArg(L, right, "the right side of ..")
	activationOf(L).chargeString(L, len(l)+len(r))
	L.Push(lua.LString(l + r))
	return 1
}
