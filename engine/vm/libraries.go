package vm

import lua "github.com/yuin/gopher-lua"

// libraries are the parts that the globals of scripts consist of.
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

// runGlobals are the globals that each run has of its own. They are made in
// this order, and only if the program uses the name.
var runGlobals = []runGlobal{
	{"_G", func(a *activation) lua.LValue { return a.env }},
	{"params", paramsValue},
}

type runGlobal struct {
	name  string
	value func(a *activation) lua.LValue
}
