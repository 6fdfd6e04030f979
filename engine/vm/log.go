package vm

import (
	"log/slog"

	lua "github.com/yuin/gopher-lua"
)

// logLibrary is log: log.info(text [, fields]).
func logLibrary(*Machine) map[string]lua.LValue {
	functions := map[string]lua.LGFunction{}
	for name, level := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	} {
		functions[name] = func(L *lua.LState) int { return logLine(L, "log."+name, level) }
	}
	return map[string]lua.LValue{"log": freeze("log", functions, nil)}
}

// logLine writes a line. A log never fails a script for what it is to say:
// what JSON cannot hold is left out, and secrets stand by their names.
func logLine(L *lua.LState, function string, level slog.Level) int {
	a := activationOf(L)
	text := toText(L, L.Get(1))
	if L.Get(2) == lua.LNil {
		a.log(L, level, text, nil)
		return 0
	}
	e := a.encodes(L)
	e.secrets, e.functions = map[string]Secret{}, &[]string{}
	if err := e.object(wantTable(L, 2, function+": the fields"), shape{}); err != nil {
		raise(L, "%s: %v", function, err)
	}
	e.settle()
	a.log(L, level, text, e.out)
	return 0
}
