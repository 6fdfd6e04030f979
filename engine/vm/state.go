package vm

import (
	"math"

	lua "github.com/yuin/gopher-lua"
)

// maxKey bounds the keys of state and links.
const maxKey = 512

// stateLibrary is state, the values that a script stores for its next runs, and
// links, which records of two apps belong together. Every function is a step.
func stateLibrary(*Machine) map[string]lua.LValue {
	return map[string]lua.LValue{
		"state": freeze("state", map[string]lua.LGFunction{
			"get": stateGet, "put": statePut, "add": stateAdd, "cas": stateCas, "delete": stateDelete,
		}, nil),
		"links": freeze("links", map[string]lua.LGFunction{
			"put": linksPut, "get": linksGet, "remove": linksRemove,
		}, nil),
	}
}

// wantKey returns argument n, which must be a key: a text that is not empty, or
// a number.
func wantKey(L *lua.LState, n int, what string) string {
	key := wantText(L, n, what)
	if key == "" || len(key) > maxKey {
		raise(L, "%s must have 1 to %d bytes, found %d", what, maxKey, len(key))
	}
	return key
}

func stateArguments(L *lua.LState, verb string) *arguments {
	name := "state." + verb
	return activationOf(L).arguments(L, name).text("verb", verb).text("key", wantKey(L, 1, name+": the key"))
}

// stateGet is state.get(key): the value, nil where there is none.
func stateGet(L *lua.LState) int {
	L.Push(activationOf(L).decodeStep(L, stateArguments(L, "get").step(StepState)))
	return 1
}

// statePut is state.put(key, value).
func statePut(L *lua.LState) int {
	if L.Get(2) == lua.LNil {
		raise(L, "state.put needs a value; state.delete(key) deletes one")
	}
	refuseSecret(L, 2, "state.put")
	activationOf(L).step(L, stateArguments(L, "put").set("value", L.Get(2)).step(StepState))
	return 0
}

// stateAdd is state.add(key [, n]): adds n, or 1, to a number that begins at 0,
// and returns the sum.
func stateAdd(L *lua.LState) int {
	by := lua.LNumber(1)
	if L.Get(2) != lua.LNil {
		n, ok := L.Get(2).(lua.LNumber)
		if !ok || math.IsNaN(float64(n)) || math.IsInf(float64(n), 0) {
			raise(L, "state.add: the number to add must be a number, found %s", describe(L.Get(2)))
		}
		by = n
	}
	L.Push(activationOf(L).decodeStep(L, stateArguments(L, "add").set("value", by).step(StepState)))
	return 1
}

// stateCas is state.cas(key, expected, value): stores the value if the current
// one is the expected one, and returns whether it did. nil means no value, for
// both.
func stateCas(L *lua.LState) int {
	if L.GetTop() < 3 {
		raise(L, "state.cas takes a key, the expected value and the new one; nil means that there is none")
	}
	refuseSecret(L, 2, "state.cas")
	refuseSecret(L, 3, "state.cas")
	s := stateArguments(L, "cas").set("expected", L.Get(2)).set("value", L.Get(3)).step(StepState)
	L.Push(activationOf(L).decodeStep(L, s))
	return 1
}

// stateDelete is state.delete(key).
func stateDelete(L *lua.LState) int {
	activationOf(L).step(L, stateArguments(L, "delete").step(StepState))
	return 0
}

// refuseSecret raises an error if argument n is a secret, which would be
// stored.
func refuseSecret(L *lua.LState, n int, function string) {
	if secretOf(L.Get(n)) != nil {
		raise(L, "%s: a secret cannot be stored; store its name, and write secret(name) where it is used", function)
	}
}

// linkArguments reads the arguments kind, id, kind2 and id2, which may be
// absent unless id2 is set.
func linkArguments(L *lua.LState, verb string, id2 bool) *arguments {
	name := "links." + verb
	g := activationOf(L).arguments(L, name).text("verb", verb).
		text("kind", wantKey(L, 1, name+": the first kind")).text("id", wantKey(L, 2, name+": the first id")).
		text("kind2", wantKey(L, 3, name+": the second kind"))
	if id2 || L.Get(4) != lua.LNil {
		g.text("id2", wantKey(L, 4, name+": the second id"))
	}
	return g
}

// linksPut is links.put(kind, id, kind2, id2): the two belong together, found
// from either side.
func linksPut(L *lua.LState) int {
	activationOf(L).step(L, linkArguments(L, "put", true).step(StepLink))
	return 0
}

// linksGet is links.get(kind, id, kind2): the id of kind2 that belongs to it,
// nil where there is none.
func linksGet(L *lua.LState) int {
	L.Push(activationOf(L).decodeStep(L, linkArguments(L, "get", false).step(StepLink)))
	return 1
}

// linksRemove is links.remove(kind, id, kind2 [, id2]).
func linksRemove(L *lua.LState) int {
	activationOf(L).step(L, linkArguments(L, "remove", false).step(StepLink))
	return 0
}
