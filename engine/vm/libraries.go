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

// runGlobals are globals made anew for each run, in this order, and only for
// programs that name them.
var runGlobals = []runGlobal{
	{"_G", func(a *activation) lua.LValue { return a.env }},
	{"params", paramsValue},
}

type runGlobal struct {
	name  string
	value func(a *activation) lua.LValue
}
