package call

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const slogWarn = slog.LevelWarn

// log returns the log for a call.
func (c *Client) log(by Caller) *slog.Logger {
	if by.Log == nil {
		return c.config.Log
	}
	if by.Step > 0 {
		return by.Log.With("step", by.Step)
	}
	return by.Log
}

// observes reports whether observe does anything for an answer other than a
// refusal by the vendor's rate limit.
func (c *Client) observes(ctx context.Context) bool {
	return c.config.Observe != nil || c.config.Log.Enabled(ctx, slog.LevelDebug)
}

// observe passes a sending to Config.Observe and logs it. Its result is "again"
// where the request is sent again, else how the call ended. A request that the
// vendor's rate limit refused is logged as a warning, with how long to wait
// before the next; refused is below zero for all others.
func (c *Client) observe(ctx context.Context, j *job, a Answer, t Timings, again bool, end error, elapsed, refused time.Duration) {
	if refused < 0 && !c.observes(ctx) {
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
	level := slog.LevelDebug
	if refused >= 0 {
		level = slog.LevelWarn
	}
	if !c.config.Log.Enabled(ctx, level) {
		return
	}
	line := []slog.Attr{slog.String("app", s.App), slog.String("operation", s.Operation),
		slog.String("connection", s.Connection), slog.String("method", s.Method), slog.String("path", s.Path),
		slog.Int("sending", s.Number), slog.Int("status", s.Status), slog.String("result", s.Result), slog.Duration("took", elapsed),
		slog.Any("timings", t)}
	if refused >= 0 {
		line = append(line, slog.Duration("retry_after", refused.Round(time.Millisecond)))
	}
	c.log(j.caller).LogAttrs(ctx, level, "sent", line...)
}

func attrs(app, operation, connection, problem string) []slog.Attr {
	return []slog.Attr{
		slog.String("app", app), slog.String("operation", operation),
		slog.String("connection", connection), slog.String("problem", problem),
	}
}
