package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// TestEveryVendorRegisters takes each vendor that registers webhooks by calls
// through the life of one: a script wants it, what happens there starts a run,
// it outlives its end by being renewed or replaced, and goes with the script.
func TestEveryVendorRegisters(t *testing.T) {
	const teamsMessages = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
	for app, c := range map[string]struct {
		trigger, resource string
		line, body        string        // what happens
		life              time.Duration // of one, zero if it does not end
	}{
		"qonto": {"qonto.client.created", "webhook_subscriptions", "POST /clients", `{"kind":"company","name":"Atelier"}`, 0},
		"asana": {"asana.task.*", "webhooks", "POST /tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`, 0},
		"googlecalendar": {"googlecalendar.event.created", "channels", "POST /calendars/ada@sandbox.example/events",
			`{"summary":"Call","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`, 7 * 24 * time.Hour},
		"teams": {"teams.message.created", "subscriptions", "POST " + teamsMessages, `{"body":{"content":"Hello"}}`, 3 * 24 * time.Hour},
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			w := newHooked(t, map[string]string{"watch.lua": fmt.Sprintf("on(%q, function(event) end)", c.trigger)}, setting(app, auto))
			registered := func() int { return len(w.hooks(app, c.resource, "id")) }
			w.come("the registration", func() bool { return registered() > 0 && strings.Contains(w.log.String(), "webhook created") })
			happens := func(what string) {
				t.Helper()
				status, err := w.journal.Status(t.Context())
				must(t, err)
				if len(status.Polls) > 0 { // what comes only as a hint is found by looking
					w.looked()
				}
				before := len(w.succeeded())
				w.somebody(app, c.line, c.body)
				w.come(what, func() bool { return len(w.succeeded()) > before })
			}
			happens("a run of what happened")
			kept := registered()
			for range 25 { // two and a half lives
				w.clock.Pass(c.life / 10)
				w.until(func() bool { return w.lasting(c.life / 8) })
			}
			w.come("as many as there were", func() bool { return registered() == kept })
			happens("a run of what happened later")
			must(t, os.Remove(filepath.Join(w.scripts, "watch.lua")))
			w.come("the removal", func() bool { return registered() == 0 })
		})
	}
}

// lasting reports whether everything that is registered, or what took its
// place, lasts for so long.
func (w *watched) lasting(least time.Duration) bool {
	w.t.Helper()
	all, err := w.journal.Subscriptions(w.t.Context())
	must(w.t, err)
	ends := map[string]time.Time{}
	for _, s := range all {
		if s.Expires.IsZero() {
			return true
		}
		if s.State == journal.SubscriptionLive && s.Expires.After(ends[s.Item]) {
			ends[s.Item] = s.Expires
		}
	}
	for _, end := range ends {
		if end.Sub(w.clock.Now()) < least {
			return false
		}
	}
	return len(ends) > 0
}
