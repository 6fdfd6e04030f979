package vm

import (
	"maps"

	lua "github.com/yuin/gopher-lua"
)

// removedLibrary returns the globals of Lua that scripts cannot use. Using one
// is an error with the replacement.
func removedLibrary(*Machine) map[string]lua.LValue {
	all := map[string]lua.LValue{}
	for name, instead := range map[string]string{
		"dofile": `use require "name"`, "loadfile": `use require "name"`,
		"load": "write the code as a function", "loadstring": "write the code as a function",
		"getfenv": "globals belong to the run; pass values as arguments", "setfenv": "globals belong to the run; pass values as arguments",
		"module": "return a table at the end of the file and require it", "newproxy": "use setmetatable",
		"collectgarbage": "memory is collected automatically; a run that ends releases all of it",
	} {
		all[name] = function(func(L *lua.LState) int {
			raise(L, "%s is not there: %s", name, instead)
			return 0
		})
	}
	outside := "scripts reach the outside through apps and http only"
	for name, l := range map[string]struct {
		otherwise string
		members   map[string]string
	}{
		"os": {outside, map[string]string{
			"time": "use time.now()", "date": "use time.format(time.now(), \"%Y-%m-%d\")", "clock": "use time.now()",
			"difftime": "use time.diff(a, b)", "getenv": "use params, or secret \"name\"", "tmpname": "use uuid()",
		}},
		"io": {outside, map[string]string{
			"write": "use log.info(text)", "open": "a script has no files; state.put stores values", "lines": "use text.split(text, \"\\n\")",
			"read": "a script has no input but its event",
		}},
		"coroutine": {"a run is one thread; emit starts another run", nil},
		"debug":     {"an error has the lines of its trace", nil},
		"package":   {`use require "name"`, nil},
	} {
		all[name] = removedTable(name, l.otherwise, l.members)
	}
	return all
}

// removedMembers are functions that are missing in libraries that scripts have,
// and what to use instead.
var removedMembers = map[string]string{
	"math.random":     "use random(min, max), which a replayed run repeats",
	"math.randomseed": "random(min, max) needs no seed",
	"math.mod":        "use math.fmod, or the operator %",
	"string.dump":     "a function has no text; pass the function itself",
	"string.gfind":    "use string.gmatch",
	"table.foreach":   "write for key, value in pairs(t) do",
	"table.foreachi":  "write for i, value in ipairs(t) do",
	"table.setn":      "a list is as long as its last value",
}

func removedTable(name, otherwise string, members map[string]string) lua.LValue {
	members = maps.Clone(members)
	raiseRemoved := func(L *lua.LState, key string) {
		instead, ok := members[key]
		if !ok {
			instead = otherwise
		}
		if key != "" {
			key = "." + key
		}
		raise(L, "%s%s is not there: %s", name, key, instead)
	}
	return &lua.LUserData{Value: removed(name), Metatable: sharedTable(map[string]lua.LValue{
		"__index":     function(func(L *lua.LState) int { raiseRemoved(L, textOf(L.Get(2))); return 0 }),
		"__newindex":  function(func(L *lua.LState) int { raiseRemoved(L, ""); return 0 }),
		"__call":      function(func(L *lua.LState) int { raiseRemoved(L, ""); return 0 }),
		"__metatable": lua.LFalse,
	})}
}

// removed is the Value of user data for a library of Lua that scripts do not
// have.
type removed string
