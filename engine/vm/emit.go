package vm

import (
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// emitFunction is emit(type, data, { id, lane, connection }): an event from the
// script itself, for hooks on "emit:type". It is a step.
func emitFunction(L *lua.LState) int {
	kind := strings.TrimPrefix(wantText(L, 1, "emit: the type"), "emit:")
	if kind == "" || len(kind) > 200 || strings.ContainsAny(kind, " \t\r\n*") {
		raise(L, "emit: the type must be a name without spaces such as \"deal.won\", found %q", brief(kind, 60))
	}
	data := L.Get(2)
	if _, ok := data.(*lua.LTable); !ok && data != lua.LNil {
		raise(L, "emit: the data must be a table, found %s", describe(data))
	}
	options := wantOptions(L, 3, "emit", "id", "lane", "connection")
	a := activationOf(L)
	g := a.arguments(L, "emit").text("type", kind)
	g.e.secrets = nil // an event is stored
	g.set("data", data)
	for _, name := range []string{"id", "lane", "connection"} {
		if text := textOption(L, options, "emit", name); text != "" {
			g.text(name, text)
		}
	}
	L.Push(a.decodeStep(L, g.step(StepEmit)))
	return 1
}

// uuidFunction is uuid(): a step.
func uuidFunction(L *lua.LState) int {
	a := activationOf(L)
	L.Push(a.decodeStep(L, a.arguments(L, "uuid").step(StepUUID)))
	return 1
}

// randomFunction is random(), a number from 0 to below 1, random(max), a whole
// number from 1, or random(min, max). It is a step.
func randomFunction(L *lua.LState) int {
	a := activationOf(L)
	g := a.arguments(L, "random")
	if L.GetTop() > 0 && L.Get(1) != lua.LNil {
		lowest, highest := lua.LNumber(1), wantWhole(L, 1)
		if L.Get(2) != lua.LNil {
			lowest, highest = highest, wantWhole(L, 2)
		}
		if lowest > highest {
			raise(L, "random: %s is more than %s", numberText(lowest), numberText(highest))
		}
		g.set("min", lowest).set("max", highest)
	}
	L.Push(a.decodeStep(L, g.step(StepRandom)))
	return 1
}

func wantWhole(L *lua.LState, n int) lua.LNumber {
	v, ok := L.Get(n).(lua.LNumber)
	if !ok || v < -maxExact/2 || v > maxExact/2 || v != lua.LNumber(int64(v)) {
		raise(L, "random: expected whole numbers, found %s", describe(L.Get(n)))
	}
	return v
}
