package main

import (
	"context"
	"log/slog"
)

// demoHandler is the log of the demo. It has each step too, which an engine logs at debug
// level, and none of the other details.
type demoHandler struct{ slog.Handler }

func (h demoHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h demoHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo {
		if !inDemo(r) {
			return nil
		}
		r = r.Clone()
		r.Level = slog.LevelInfo
	}
	return h.Handler.Handle(ctx, r)
}

func (h demoHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return demoHandler{h.Handler.WithAttrs(attrs)}
}

func (h demoHandler) WithGroup(name string) slog.Handler {
	return demoHandler{h.Handler.WithGroup(name)}
}

// inDemo reports whether the demo has a line of debug level: an event, the start of a run,
// or a step.
func inDemo(r slog.Record) (found bool) {
	switch r.Message {
	case "event accepted", "run started":
		return true
	case "sent": // the request of a step
		return false
	}
	r.Attrs(func(a slog.Attr) bool {
		found = a.Key == "step"
		return !found
	})
	return found
}
