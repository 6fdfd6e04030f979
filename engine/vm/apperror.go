package vm

import (
	"encoding/json"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// appErrorMeta has the fields that are equal in the metatables of all app
// errors. App errors are tables with the fields of a bindings.Error, which
// print as its line. Each has a metatable of its own, with the number of the
// step that it came from.
var appErrorMeta = map[string]lua.LValue{
	"__metatable": lua.LFalse, "__concat": function(metaConcat), "__tostring": function(metaToString),
	appErrorKey: appErrorKeyValue,
}

// The metatable of an app error has appErrorKey with the value
// appErrorKeyValue, which no script can set in a metatable of its own. The
// other keys have the step, and whether the error was retryable when it was
// raised.
const (
	appErrorKey       = "app error"
	appErrorStep      = "step"
	appErrorRetryable = "retryable"
)

var appErrorKeyValue = &lua.LUserData{}

// appError makes the table for the app error of a step, which scripts get.
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
	metatable := newTable(0, len(appErrorMeta)+2)
	for name, value := range appErrorMeta { // no script can list the fields, so their order does not matter
		metatable.RawSetString(name, value)
	}
	metatable.RawSetString(appErrorStep, lua.LNumber(step))
	metatable.RawSetString(appErrorRetryable, lua.LBool(err.Retryable))
	t.Metatable = metatable
	return t
}

// stepOf returns the number of the step that an app error came from.
func stepOf(err *lua.LTable) int {
	step, _ := err.Metatable.(*lua.LTable).RawGetString(appErrorStep).(lua.LNumber)
	return int(step)
}

// isAppError reports whether a value is an app error.
func isAppError(v lua.LValue) bool {
	t, ok := v.(*lua.LTable)
	if !ok {
		return false
	}
	metatable, ok := t.Metatable.(*lua.LTable)
	return ok && metatable.RawGetString(appErrorKey) == lua.LValue(appErrorKeyValue)
}

// maxErrorBody bounds, in bytes, the vendor's answer in an app error that
// leaves a script. The script may have put anything there.
const maxErrorBody = 256 << 10

// appErrorOf returns the error of a table that is an app error, else nil.
func appErrorOf(v lua.LValue) *bindings.Error {
	err := appErrorWithoutBody(v)
	if err == nil {
		return nil
	}
	if body := v.(*lua.LTable).RawGetString("body"); body != lua.LNil {
		e := encoder{max: maxErrorBody}
		if e.encode(body, nil) == nil {
			err.Body = json.RawMessage(e.out)
		}
	}
	return err
}

// appErrorWithoutBody is appErrorOf without the vendor's answer.
func appErrorWithoutBody(v lua.LValue) *bindings.Error {
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
		// A script can set the field to false, to forbid another attempt, but
		// cannot make an error retryable.
		Retryable: t.RawGetString("retryable") == lua.LTrue && t.Metatable.(*lua.LTable).RawGetString(appErrorRetryable) == lua.LTrue,
	}
	if status, ok := t.RawGetString("status").(lua.LNumber); ok {
		err.Status = int(status)
	}
	return err
}

// appErrorLine returns the text of an app error, and reports whether the value
// is one.
func appErrorLine(v lua.LValue) (string, bool) {
	if err := appErrorWithoutBody(v); err != nil {
		return err.Error(), true
	}
	return "", false
}

// metaToString is the __tostring of values of this package: the line of an app
// error, the name of a secret, the digits of a number.
func metaToString(L *lua.LState) int {
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

// metaConcat is the __concat of values of this package: an app error is joined
// as its line, and the result is a secret if an operand is one.
func metaConcat(L *lua.LState) int {
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
