package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const slogWarn = slog.LevelWarn

// observes reports whether observe does anything.
func (c *Client) observes(ctx context.Context) bool {
	return c.config.Observe != nil || c.config.Log.Enabled(ctx, slog.LevelDebug)
}

// observe passes a sending to Config.Observe and logs it. Its result is "again"
// where the request is sent again, else how the call ended.
func (c *Client) observe(ctx context.Context, j *job, a Answer, t Timings, again bool, end error, elapsed time.Duration) {
	if !c.observes(ctx) {
		return
	}
	s := Sending{
		Timings:   t,
		Operation: j.operation, Connection: j.connection, Method: j.wire.method, Path: j.path,
		Number: a.Sendings, Status: a.Status, Result: "ok", Elapsed: elapsed,
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
	if c.config.Observe != nil {
		c.config.Observe(s)
	}
	c.config.Log.LogAttrs(ctx, slog.LevelDebug, "sent", slog.String("app", s.App), slog.String("operation", s.Operation),
		slog.String("connection", s.Connection), slog.String("method", s.Method), slog.String("path", s.Path),
		slog.Int("sending", s.Number), slog.Int("status", s.Status), slog.String("result", s.Result), slog.Duration("elapsed", elapsed),
		slog.Any("timings", t))
}

func attrs(app, operation, connection, problem string) []slog.Attr {
	return []slog.Attr{
		slog.String("app", app), slog.String("operation", operation),
		slog.String("connection", connection), slog.String("problem", problem),
	}
}
