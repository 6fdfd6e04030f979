package vm

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// diffLimits end a program that testdata/diff/driver.lua ends too.
var diffLimits = Limits{Instructions: 200_000, Memory: 64 << 20, Time: 10 * time.Minute, StringLength: 1 << 20}

const maxDiffLines = 1000

// diffMachine is a machine whose scripts have the functions that driver.lua
// gives to its programs.
func diffMachine() *Machine {
	m := New(Config{Limits: diffLimits})
	for nameNode, f := range map[string]lua.LGFunction{"out": diffOut, "msg": diffMessage, "caught": diffCaught, "noted": diffNoted} {
		m.base.RawSetString(nameNode, function(f))
	}
	// A field of a text that is no method is nil for lua5.1 and an error here.
	m.stringMeta.RawGetString("__index").(*lua.LTable).Metatable = lua.LNil
	return m
}

// diffHost is the host of a program that is compared: it has no steps.
type diffHost struct{ result result }

func (h *diffHost) Step(context.Context, Step) (json.RawMessage, error) {
	return nil, errors.New("no steps")
}
func (h *diffHost) Secret(string) (string, error)           { return "", errors.New("no secrets") }
func (h *diffHost) File(string, int64) ([]byte, error)      { return nil, errors.New("no files") }
func (h *diffHost) Log(slog.Level, string, json.RawMessage) {}
func (h *diffHost) Replaying() bool                         { return false }
func (h *diffHost) readSource(source string) func(string) ([]byte, error) {
	return func(string) ([]byte, error) { return []byte(source), nil }
}

// runOurs compiles and runs a program.
func runOurs(m *Machine, source string) result {
	h := &diffHost{}
	r := &h.result
	p, err := m.Compile("diff.lua", h.readSource(source))
	if err != nil {
		r.status, r.detail = "syntax", err.Error()
		return *r
	}
	err = m.Run(context.Background(), p, Activation{Event: json.RawMessage(`{}`), Host: h}).Err
	var script *ScriptError
	var limit *LimitError
	switch {
	case err == nil:
		r.status = "ok"
	case errors.As(err, &limit):
		r.status, r.detail = "limit", err.Error()
	case errors.As(err, &script):
		r.status = "raised " + raisedKind(script.Message)
	default:
		r.status, r.detail = "fault", err.Error()
	}
	return *r
}

// raisedKind gives what the driver says of an error that left a program.
func raisedKind(message string) string {
	if own := ownMessage.FindString(message); own != "" {
		return own
	}
	switch {
	case message == "an error that is a table":
		return "table"
	case message == "an error that is nil":
		return "nil"
	case message == "an error that is true", message == "an error that is false", message == "an error that is a boolean":
		return "boolean"
	case message == "an error that is a function", strings.HasPrefix(message, "an error that is the function"):
		return "function"
	}
	if _, err := strconv.ParseFloat(message, 64); err == nil {
		return "number"
	}
	return "error"
}

func writeLine(L *lua.LState, line string) {
	a := activationOf(L)
	r := &a.host.(*diffHost).result
	if len(r.trace)+len(r.lines) >= maxDiffLines {
		a.end(a.overLimit("output", "lines"))
	}
	r.add(strings.Split(line, "\n")...) // as the driver's answer is split
}

func diffOut(L *lua.LState) int {
	all := make([]string, L.GetTop())
	for i := range all {
		all[i] = canonical(L.Get(i+1), 1)
	}
	writeLine(L, ">"+strings.Join(all, " "))
	return 0
}

var negativeZero = regexp.MustCompile(`-0([^\d.xX])`)

func canonical(v lua.LValue, depth int) string {
	switch v := v.(type) {
	case lua.LNumber:
		switch f := float64(v); {
		case math.IsNaN(f):
			return "nan"
		case math.IsInf(f, 0):
			return numberText(v)
		case f == 0: // also for the negative zero
			return "0"
		default:
			return cFormatG(f, 14, false)
		}
	case lua.LString:
		// A negative zero prints as 0, and lua5.1 prints nan as C does.
		return negativeZero.ReplaceAllString(quoted(string(v)), "0$1")
	case *lua.LTable:
		if depth > 3 {
			return "{...}"
		}
		var all []string
		for key, value := v.Next(lua.LNil); key != lua.LNil; key, value = v.Next(key) {
			all = append(all, canonical(key, depth+1)+"="+canonical(value, depth+1))
		}
		slices.Sort(all)
		return "{" + strings.Join(all, ",") + "}"
	case *lua.LFunction:
		return "function"
	}
	return v.String()
}

// ownMessage is what follows the position in an error that a program raises.
var ownMessage = regexp.MustCompile(`(?s)![a-z].*`)

var diffPosition = regexp.MustCompile(`^diff\.lua:(\d+): ((?s).*)$`)

func diffMessage(L *lua.LState) int {
	L.Push(plainMessage(L, L.Get(1)))
	return 1
}

func plainMessage(L *lua.LState, v lua.LValue) lua.LValue {
	s, ok := v.(lua.LString)
	if !ok {
		return v
	}
	rest, at := string(s), "?"
	if found := diffPosition.FindStringSubmatch(rest); found != nil {
		at, rest = found[1], found[2]
	}
	if diffPosition.MatchString(rest) {
		at = "?" // raised again; lua5.1 gives no position to some errors
	}
	writeLine(L, "@"+at)
	return lua.LString(cmp.Or(ownMessage.FindString(rest), "error"))
}

func diffCaught(L *lua.LState) int {
	if lua.LVAsBool(L.Get(1)) {
		return L.GetTop()
	}
	activationOf(L).host.(*diffHost).result.caught = true
	ok, message := L.Get(1), L.Get(2)
	L.Push(ok)
	L.Push(plainMessage(L, message))
	return 2
}

func diffNoted(L *lua.LState) int { return L.GetTop() }
