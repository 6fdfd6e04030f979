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

// TestEveryVendorRegisters registers a webhook at each vendor that has an API for
// it. A change there starts a run, the webhook is renewed or replaced before it
// expires, and it is removed with the script.
func TestEveryVendorRegisters(t *testing.T) {
	const teamsMessages = "/teams/5a0d7e2c-0000-4000-8000-0000005a1e50/channels/19:5a0d7e2c000000000000000000000002@thread.tacv2/messages"
	for app, c := range map[string]struct {
		trigger, resource string
		line, body        string        // the change
		lifetime          time.Duration // of a webhook, zero if it does not expire
	}{
		"qonto": {"qonto.client.created", "webhook_subscriptions", "POST /clients", `{"kind":"company","name":"Atelier"}`, 0},
		"asana": {"asana.task.*", "webhooks", "POST /tasks", `{"data":{"name":"Call","projects":["1200000000000005"]}}`, 0},
		"googlecalendar": {"googlecalendar.event.created", "channels", "POST /calendars/ada@sandbox.example/events",
			`{"summary":"Call","start":{"date":"2026-03-05"},"end":{"date":"2026-03-06"}}`, 7 * 24 * time.Hour},
		"teams": {"teams.message.created", "subscriptions", "POST " + teamsMessages, `{"body":{"content":"Hello"}}`, 3 * 24 * time.Hour},
	} {
		t.Run(app, func(t *testing.T) {
			t.Parallel()
			f := newWebhookFixture(t, map[string]string{"watch.lua": fmt.Sprintf("on(%q, function(event) end)", c.trigger)}, setting(app, autoWebhooks))
			registered := func() int { return len(f.registered(app, c.resource, "id")) }
			f.await("the registration", func() bool { return registered() > 0 && strings.Contains(f.log.String(), "webhook created") })
			happens := func(what string) {
				t.Helper()
				status, err := f.journal.Status(t.Context())
				must(t, err)
				if len(status.Polls) > 0 { // notifications without data are followed by a poll
					f.awaitPolls()
				}
				before := len(f.succeeded())
				f.request(app, c.line, c.body)
				f.await(what, func() bool { return len(f.succeeded()) > before })
			}
			happens("a run of what happened")
			count := registered()
			for range 25 { // two and a half times the lifetime of a webhook
				f.clock.Advance(c.lifetime / 10)
				f.until(func() bool { return f.allExpireAfter(c.lifetime / 8) })
			}
			f.await("as many as there were", func() bool { return registered() == count })
			happens("a run of what happened later")
			must(t, os.Remove(filepath.Join(f.scripts, "watch.lua")))
			f.await("the removal", func() bool { return registered() == 0 })
		})
	}
}

// allExpireAfter reports whether all webhooks, or their replacements, expire after
// that time at the earliest.
func (f *clockFixture) allExpireAfter(least time.Duration) bool {
	f.t.Helper()
	all, err := f.journal.Subscriptions(f.t.Context())
	must(f.t, err)
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
		if end.Sub(f.clock.Now()) < least {
			return false
		}
	}
	return len(ends) > 0
}
