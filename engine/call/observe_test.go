package call_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// What a call waits for is in the log of its run, and is reported to it.
func TestWaitsAreVisible(t *testing.T) {
	var out, engine bytes.Buffer
	logTo := func(b *bytes.Buffer) *slog.Logger {
		return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	s := start(t, answers(reply(200, `{}`), reply(200, `{}`), reply(429, `{}`, "Retry-After", "3"), reply(200, `{}`)),
		func(c *call.Config, _ *connection.Settings, a *bindings.App) {
			c.Log = logTo(&engine)
			a.Limits = []bindings.Limit{{Requests: 1, Per: 5 * time.Second, Scope: bindings.PerConnection}}
		})
	var waits []string
	r := s.request(t, safe, `{}`)
	r.Caller = call.Caller{Script: "crm", Log: logTo(&out).With("run", "run_1"), Step: 4, Waits: func(what string, until time.Time) {
		if what == "" {
			waits = append(waits, "goes on")
			return
		}
		waits = append(waits, fmt.Sprintf("%s, %s", what, until.Sub(s.clock.Now())))
	}}
	for range 3 {
		if _, err := s.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"the rate limit of 1 in 5s, per connection, 5s", "goes on",
		"the rate limit of 1 in 5s, per connection, 5s", "goes on",
		"the next sending of the request, 3s", "goes on",
		"the rate limit of 1 in 5s, per connection, 2s", "goes on",
	}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %q\nwant  %q", waits, want)
	}
	for _, line := range []string{
		`level=INFO msg="waits for a rate limit" run=run_1 step=4 app=crm operation=ping.now connection=crm/paris for="the rate limit of 1 in 5s, per connection" ahead=0 wait=5s`,
		`level=DEBUG msg=sent run=run_1 step=4 app=crm operation=ping.now connection=crm/paris method=GET path=/ping sending=1 status=200 result=ok`,
		`level=WARN msg=sent run=run_1 step=4 app=crm operation=ping.now connection=crm/paris method=GET path=/ping sending=1 status=429 result=again`,
		`retry_after=3s`,
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the log of the run has no %s:\n%s", line, out.String())
		}
	}
	if engine.Len() > 0 {
		t.Errorf("the log of the client has %s", engine.String())
	}
}
