package vm

import lua "github.com/yuin/gopher-lua"

// verbLibrary returns the global functions that are not Lua's.
func verbLibrary(*Machine) map[string]lua.LValue {
	all := map[string]lua.LValue{}
	for name, f := range map[string]lua.LGFunction{
		"try": tryFunction, "each": eachFunction, "emit": emitFunction, "secret": secretFunction, "file": fileFunction,
		"uuid": uuidFunction, "random": randomFunction,
		"wait": waitFunction, "wait_for": waitForFunction, "approval": approvalFunction, "respond": respondFunction,
		"map": mapFunction, "required": requiredFunction, "const": constFunction, "when": whenFunction,
	} {
		all[name] = function(f)
	}
	return all
}
