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

	"github.com/tidewire/tidewire/engine/vm/difftest"
)

// This file runs programs of package difftest and returns their results in the
// form of those that driver.lua returns for lua5.1.

// diffMachine makes a machine with the functions that the programs call.
func diffMachine() *Machine {
	m := New(Config{Limits: Limits{
		Instructions: difftest.MaxInstructions,
		Memory:       difftest.MaxMemory,
		Time:         10 * time.Minute,
		StringLength: 1 << 20,
	}})
	for name, f := range map[string]lua.LGFunction{"out": diffOut, "msg": diffMsg, "caught": diffCaught, "noted": diffNoted} {
		m.base.RawSetString(name, function(f))
	}
	// In lua5.1 a field of a string that is no method is nil. Here it is an
	// error. This __index makes it nil too.
	m.stringMeta.RawGetString("__index").(*lua.LTable).Metatable = lua.LNil
	return m
}

// diffHost collects the result of a program. It refuses all steps.
type diffHost struct{ result difftest.Result }

func (h *diffHost) Step(context.Context, Step) (json.RawMessage, error) {
	return nil, errors.New("no steps")
}
func (h *diffHost) Secret(string) (string, error)           { return "", errors.New("no secrets") }
func (h *diffHost) File(string, int64) ([]byte, error)      { return nil, errors.New("no files") }
func (h *diffHost) Log(slog.Level, string, json.RawMessage) {}
func (h *diffHost) Replaying() bool                         { return false }

func diffResult(L *lua.LState) *difftest.Result {
	return &activationOf(L).host.(*diffHost).result
}

// runCompared compiles and runs a program.
func runCompared(m *Machine, source string) difftest.Result {
	p, err := m.Compile("diff.lua", func(string) ([]byte, error) { return []byte(source), nil })
	if err != nil {
		return difftest.Result{Status: "syntax", Detail: err.Error()}
	}
	h := &diffHost{}
	err = m.Run(context.Background(), p, Activation{Event: json.RawMessage(`{}`), Host: h}).Err
	r := h.result
	var script *ScriptError
	var limit *LimitError
	switch {
	case err == nil:
		r.Status = "ok"
	case errors.As(err, &limit):
		r.Status, r.Detail = "limit", err.Error()
	case errors.As(err, &script):
		r.Status = "raised " + diffRaised(script.Message)
	default:
		r.Status, r.Detail = "fault", err.Error()
	}
	return r
}

// diffMessage matches the text that a program puts into its errors; it follows
// the position.
var diffMessage = regexp.MustCompile(`(?s)![a-z].*`)

// diffRaised returns what follows "raised" in the status of a program that an
// error has ended.
func diffRaised(message string) string {
	if own := diffMessage.FindString(message); own != "" {
		return own
	}
	if kind, ok := strings.CutPrefix(message, "an error that is "); ok {
		switch kind {
		case "a table":
			return "table"
		case "nil":
			return "nil"
		case "true", "false", "a boolean":
			return "boolean"
		}
		if kind == "a function" || strings.HasPrefix(kind, "the function") {
			return "function"
		}
	}
	if _, err := strconv.ParseFloat(message, 64); err == nil {
		return "number"
	}
	return "error"
}

func diffWrite(L *lua.LState, line string) {
	r := diffResult(L)
	if len(r.Trace)+len(r.Lines) >= difftest.MaxLines {
		a := activationOf(L)
		a.end(a.overLimit("output", "lines"))
	}
	r.Add(line)
}

func diffOut(L *lua.LState) int {
	all := make([]string, L.GetTop())
	for i := range all {
		all[i] = diffText(L.Get(i+1), 1)
	}
	diffWrite(L, ">"+strings.Join(all, " "))
	return 0
}

// negativeZero matches the negative zeros in a string. They are written without
// a sign.
var negativeZero = regexp.MustCompile(`-0([^\d.xX])`)

// diffText returns a value as driver.lua writes it.
func diffText(v lua.LValue, depth int) string {
	switch v := v.(type) {
	case lua.LNumber:
		switch f := float64(v); {
		case math.IsNaN(f):
			return "nan"
		case math.IsInf(f, 0):
			return numberText(v)
		case f == 0: // also the negative zero
			return "0"
		default:
			return cFormatG(f, 14, false)
		}
	case lua.LString:
		return negativeZero.ReplaceAllString(quoted(string(v)), "0$1")
	case *lua.LTable:
		if depth > 3 {
			return "{...}"
		}
		var all []string
		for key, value := v.Next(lua.LNil); key != lua.LNil; key, value = v.Next(key) {
			all = append(all, diffText(key, depth+1)+"="+diffText(value, depth+1))
		}
		slices.Sort(all)
		return "{" + strings.Join(all, ",") + "}"
	case *lua.LFunction:
		return "function"
	}
	return v.String()
}

var diffPosition = regexp.MustCompile(`^diff\.lua:(\d+): ((?s).*)$`)

func diffMsg(L *lua.LState) int {
	L.Push(diffError(L, L.Get(1)))
	return 1
}

// diffError returns an error without its position and without the machine's own
// wording, and writes its line.
func diffError(L *lua.LState, v lua.LValue) lua.LValue {
	s, ok := v.(lua.LString)
	if !ok {
		return v
	}
	rest, at := string(s), "?"
	if found := diffPosition.FindStringSubmatch(rest); found != nil {
		at, rest = found[1], found[2]
	}
	if diffPosition.MatchString(rest) {
		at = "?" // raised again; in lua5.1 some errors have no position
	}
	diffWrite(L, "@"+at)
	return lua.LString(cmp.Or(diffMessage.FindString(rest), "error"))
}

func diffCaught(L *lua.LState) int {
	if lua.LVAsBool(L.Get(1)) {
		return L.GetTop()
	}
	diffResult(L).Caught = true
	ok, message := L.Get(1), L.Get(2)
	L.Push(ok)
	L.Push(diffError(L, message))
	return 2
}

func diffNoted(L *lua.LState) int { return L.GetTop() }
