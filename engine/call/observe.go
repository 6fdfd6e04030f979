package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const slogWarn = slog.LevelWarn

// observe reports a sending, and whether it is made again or how the call ends.
func (c *Client) observe(ctx context.Context, j *job, a Answer, again bool, end error, took time.Duration) {
	s := Sending{
		Operation: j.operation, Connection: j.connection, Method: j.wire.method, Path: j.path,
		Number: a.Sendings, Status: a.Status, Result: "ok", Elapsed: took,
	}
	if j.app != nil {
		s.App = j.app.Name
	}
	var e *bindings.Error
	switch {
	case again:
		s.Result = "again"
	case errors.As(end, &e):
		s.Result = string(e.Kind)
	}
	if c.Observe != nil {
		c.Observe(s)
	}
	if !c.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	c.Log.LogAttrs(ctx, slog.LevelDebug, "sent", slog.String("app", s.App), slog.String("operation", s.Operation),
		slog.String("connection", s.Connection), slog.String("method", s.Method), slog.String("path", s.Path),
		slog.Int("attempt", s.Number), slog.Int("status", s.Status), slog.String("outcome", s.Result), slog.Duration("took", took))
}

func attrs(app, operation, connection, problem string) []slog.Attr {
	return []slog.Attr{
		slog.String("app", app), slog.String("operation", operation),
		slog.String("connection", connection), slog.String("problem", problem),
	}
}
