package subscription_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/subscription"
)

// manual sets webhooks: manual, so that only the command registers.
func manual(w *fixture) {
	for i := range w.settings {
		w.settings[i].Webhooks = "manual"
	}
}

func (w *fixture) sync(o subscription.SyncOptions) (all []string) {
	w.Helper()
	changes, err := w.registrar.Sync(w.Context(), o)
	w.must(err)
	for _, c := range changes {
		all = append(all, strings.TrimSuffix(fmt.Sprintf("%s %s %s %s", c.Connection, c.Action, strings.Join(c.Types, " "), c.Text), " "))
	}
	return all
}

func TestSync(t *testing.T) {
	w := newFixture(t, on("qonto.client.created", "helpdesk.card.created", "slack.message.posted"), manual)
	w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "")
	w.run()
	w.pass(2 * time.Hour)
	if stored := w.stored(); len(stored) != 0 {
		t.Fatalf("registered %+v without being asked", stored)
	}
	if !strings.Contains(w.log.String(), "tidewire webhooks sync qonto") {
		t.Errorf("the log does not have the command:\n%s", w.log)
	}
	created := []string{"helpdesk created card.created wanted by scripts", "qonto created v1/clients wanted by scripts", "slack by hand message"}
	w.same("dry", w.sync(subscription.SyncOptions{Dry: true}), created)
	if stored := w.stored(); len(stored) != 0 || len(w.hooks("qonto", "webhook_subscriptions", "id")) != 0 {
		t.Errorf("a dry run registered %+v", stored)
	}
	w.same("first", w.sync(subscription.SyncOptions{}), created)
	w.same("again", w.sync(subscription.SyncOptions{}), []string{"helpdesk kept card.created", "qonto kept v1/clients", "slack by hand message"})
	w.quiet()

	// What was registered once is renewed, and stays although no script needs it.
	w.save(on("helpdesk.card.created"))
	w.pass(100 * time.Minute)
	w.same("renewed", w.hooks("helpdesk", "hooks", "until"), []string{"2026-03-01T16:30:00Z"})
	w.same("kept", w.hooks("qonto", "webhook_subscriptions", "types"), []string{`["v1/clients"]`})
	w.same("dry", w.sync(subscription.SyncOptions{Dry: true, Connections: []string{"qonto"}}), []string{"qonto removed v1/clients no script needs it"})
	w.same("done", w.sync(subscription.SyncOptions{Connections: []string{"qonto"}}), []string{"qonto removed v1/clients no script needs it"})
	w.same("removed", w.hooks("qonto", "webhook_subscriptions", "types"), nil)
}

func TestSyncManual(t *testing.T) {
	w := newFixture(t, on("slack.message.posted"), func(w *fixture) {
		w.settings = append(w.settings, connection.Settings{Name: "slack/sales", Account: "T2", BaseURL: w.sandbox.URL("slack"), Credentials: map[string]string{"token": "x"}})
	})
	changes, err := w.registrar.Sync(t.Context(), subscription.SyncOptions{Connections: []string{"slack", "slack/sales"}})
	w.must(err)
	if len(changes) != 2 {
		t.Fatalf("got %+v, want both", changes)
	}
	// Connections that the body distinguishes have one address.
	if changes[0].URL != w.public+"/hooks/slack" || changes[1].URL != w.public+"/hooks/slack" {
		t.Errorf("addresses %q and %q", changes[0].URL, changes[1].URL)
	}
	steps := strings.Join(changes[0].Steps, "\n")
	if !strings.Contains(steps, w.public+"/hooks/slack") || !strings.Contains(steps, ": message.") || strings.Contains(steps, "{") {
		t.Errorf("steps:\n%s", steps)
	}
}

func TestSyncRefused(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"), manual)
	if _, err := w.registrar.Sync(t.Context(), subscription.SyncOptions{Connections: []string{"qonto/x"}}); err == nil || !strings.Contains(err.Error(), `no connection "qonto/x"; there are helpdesk, post, qonto, slack`) {
		t.Errorf("an unknown connection: %v", err)
	}
	w.public = ""
	w.restart()
	if _, err := w.registrar.Sync(t.Context(), subscription.SyncOptions{}); !errors.Is(err, subscription.ErrNoAddress) || !strings.Contains(err.Error(), "public_url") {
		t.Errorf("without an address: %v", err)
	}
}

func TestAutoWithoutAnAddress(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	w.public = ""
	w.restart()
	w.run()
	w.pass(2 * time.Hour)
	if !strings.Contains(w.log.String(), "public_url") {
		t.Errorf("the log does not have the cause:\n%s", w.log)
	}
	found := false
	for _, p := range w.registrar.Problems() {
		found = found || p.Connection == "qonto" && strings.Contains(p.Do, "public_url")
	}
	if !found {
		t.Errorf("problems %+v", w.registrar.Problems())
	}
	if got := w.hooks("qonto", "webhook_subscriptions", "id"); len(got) != 0 {
		t.Errorf("registered %q", got)
	}
}

func TestReadOnly(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"), func(w *fixture) {
		for i := range w.settings {
			w.settings[i].ReadOnly = true
		}
	})
	w.run()
	w.same("sync", w.sync(subscription.SyncOptions{}), []string{"qonto skipped v1/clients the connection is read_only, so nothing is registered or removed for it"})
	if n := w.sandbox.Calls("qonto", ""); n != 0 {
		t.Errorf("%d calls were made", n)
	}
}
