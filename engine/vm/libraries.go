package vm

import lua "github.com/yuin/gopher-lua"

// libraries are the parts of which the globals of scripts are made.
var libraries = []library{
	baseLibrary,
	stringLibrary,
	tableLibrary,
	mathLibrary,
	onLibrary,
	verbLibrary,
	jsonLibrary,
	timeLibrary,
	textLibrary,
	cryptoLibrary,
	moneyLibrary,
	stateLibrary,
	httpLibrary,
	logLibrary,
	requireLibrary,
	removedLibrary,
}

// runGlobals are globals made anew for each run, and only for programs that
// name them.
var runGlobals = map[string]func(a *activation) lua.LValue{
	"_G":     func(a *activation) lua.LValue { return a.env },
	"params": paramsValue,
}
