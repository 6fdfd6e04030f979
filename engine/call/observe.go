package call

import (
	"context"
	"log/slog"
	"time"
)

const slogWarn = slog.LevelWarn

// observe tells of a sending.
func (c *Client) observe(ctx context.Context, j *job, a Answer, v verdict, took time.Duration) {
	s := Sending{
		Operation: j.operation, Connection: j.connection, Method: j.wire.method, Path: j.path,
		Attempt: a.Attempts, Status: a.Status, Outcome: "ok", Took: took,
	}
	if j.app != nil {
		s.App = j.app.Name
	}
	switch {
	case v.err == nil:
	case v.again && a.Attempts < c.Sendings:
		s.Outcome = "again"
	default:
		s.Outcome = string(v.err.Kind)
	}
	if c.Observe != nil {
		c.Observe(s)
	}
	if !c.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	c.Log.LogAttrs(ctx, slog.LevelDebug, "sent", slog.String("app", s.App), slog.String("operation", s.Operation),
		slog.String("connection", s.Connection), slog.String("method", s.Method), slog.String("path", s.Path),
		slog.Int("attempt", s.Attempt), slog.Int("status", s.Status), slog.String("outcome", s.Outcome), slog.Duration("took", took))
}

func attrs(app, operation, connection, problem string) []slog.Attr {
	return []slog.Attr{
		slog.String("app", app), slog.String("operation", operation),
		slog.String("connection", connection), slog.String("problem", problem),
	}
}
