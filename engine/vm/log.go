package vm

import (
	"encoding/json"
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

// logLine writes a log line. Secrets are written by their names. Fields that
// cannot be encoded as JSON are replaced by the error, so that logging itself
// does not fail.
func logLine(L *lua.LState, function string, level slog.Level) int {
	a := activationOf(L)
	text := toText(L, L.Get(1))
	if L.Get(2) == lua.LNil {
		a.log(L, level, text, nil)
		return 0
	}
	fields := wantTable(L, 2, function+": the fields")
	e := &encoder{secrets: map[string]Secret{}, functions: &[]string{}}
	if err := a.write(L, e, func() error { return e.object(fields, shape{}) }); err != nil {
		e.out, _ = json.Marshal(map[string]string{"fields": err.Error()})
	}
	a.log(L, level, text, e.out)
	return 0
}
