package subscription_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/subscription"
)

const client = `{"kind":"company","name":"Atelier"}`

// Types that scripts need are registered and received, extended when scripts
// need more, and removed after no script has needed them for a while.
func TestTypesThatScriptsNeedAreRegistered(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	w.run()
	hooks := func(want ...string) {
		t.Helper()
		w.same("registered", w.hooks("qonto", "webhook_subscriptions", "types"), want)
	}
	hooks(`["v1/clients"]`)
	w.do("qonto", "POST /clients", client, "")
	w.same("events", w.newEvents(), []string{"qonto.client.created qonto"})

	id := w.hooks("qonto", "webhook_subscriptions", "id")
	w.save(on("qonto.client.created", "qonto.product.*"))
	hooks(`["v1/clients","v1/products"]`)
	w.same("it is the same one", w.hooks("qonto", "webhook_subscriptions", "id"), id)
	w.do("qonto", "POST /clients", client, "")
	w.same("events after it was updated", w.newEvents(), []string{"qonto.client.created qonto"})

	w.save(on("qonto.client.created"))
	w.pass(59 * time.Second)
	hooks(`["v1/clients","v1/products"]`)
	w.save(on("qonto.product.updated", "qonto.client.deleted")) // an editor that saves twice
	w.pass(2 * time.Minute)
	hooks(`["v1/clients","v1/products"]`)

	w.save("")
	w.pass(59 * time.Second)
	hooks(`["v1/clients","v1/products"]`)
	w.pass(time.Second)
	hooks()
	if len(w.stored()) != 0 {
		t.Errorf("stored %+v", w.stored())
	}
	w.save(on("qonto.client.created"))
	hooks(`["v1/clients"]`)
}

// A panic in the work on one connection is logged, and its webhooks are registered
// when they are checked again.
func TestPanic(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	w.store.refuses(func(journal.Subscription) bool { panic("a fault of ours") })
	w.run()
	if !strings.Contains(w.log.String(), "a fault of ours") {
		t.Errorf("the log is %s", w.log)
	}
	w.store.refuses(nil)
	w.pass(10 * time.Minute)
	w.same("registered", w.hooks("qonto", "webhook_subscriptions", "types"), []string{`["v1/clients"]`})
}

// Secrets are only in the vault, encrypted, and at the vendor.
func TestSecretsAreOnlyInTheVault(t *testing.T) {
	w := newFixture(t, on("qonto.client.created", "helpdesk.card.created", "post.card.created"))
	w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "")
	w.run()
	keys := 0
	var secrets []string
	for _, s := range w.stored() {
		secret, err := w.set.WebhookSecrets().Load(t.Context(), s.Connection, s.Key)
		if err != nil || len(secret) < 20 {
			t.Errorf("%s: the secret %q, %v", s.Connection, secret, err)
		}
		secrets = append(secrets, secret)
		keys++
	}
	if keys != 3 {
		t.Fatalf("registered %+v, want three\n%s", w.stored(), w.log)
	}
	w.stop()
	files, err := filepath.Glob(filepath.Join(w.folder, "*"))
	w.must(err)
	more, err := filepath.Glob(filepath.Join(w.folder, "vault", "*"))
	w.must(err)
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // a folder
		}
		for _, secret := range secrets {
			if strings.Contains(string(text), secret) || strings.Contains(w.log.String(), secret) {
				t.Errorf("%s or the log shows a secret", file)
			}
		}
	}
}

// There is one webhook for each item, confirmed by the handshake of a vendor that
// chooses the secret; its events have the item's fields.
func TestOneForEachItem(t *testing.T) {
	w := newFixture(t, on("helpdesk.card.created"))
	plan := w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "id")
	w.run()
	w.same("registered", w.hooks("helpdesk", "hooks", "board"), []string{plan})
	w.do("helpdesk", "POST /boards/"+plan+"/cards", `{"text":"One"}`, "")
	w.must(w.sandbox.Idle(t.Context()))
	w.mu.Lock()
	if len(w.events) != 1 || gjson.GetBytes(w.events[0].Data, "board_title").String() != "Plan" {
		t.Errorf("found %+v, want one with the board's title\n%s", w.events, w.log)
	}
	w.mu.Unlock()
	// A later board is found when the items are listed again.
	later := w.do("helpdesk", "POST /boards", `{"title":"Later"}`, "id")
	w.pass(subscription.DefaultCheck)
	if got := w.hooks("helpdesk", "hooks", "board"); len(got) != 2 {
		t.Errorf("registered for %q, want both", got)
	}
	w.do("helpdesk", "DELETE /boards/"+plan, "", "")
	w.pass(2 * subscription.DefaultCheck)
	w.same("the board is gone", w.hooks("helpdesk", "hooks", "board"), []string{later})
}

// A subscription is renewed when a quarter of its lifetime is left, each time.
func TestRenewal(t *testing.T) {
	w := newFixture(t, on("helpdesk.card.created"))
	board := w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "id")
	w.run()
	id := w.hooks("helpdesk", "hooks", "id")
	w.pass(44 * time.Minute)
	w.same("until", w.hooks("helpdesk", "hooks", "until"), []string{"2026-03-01T13:00:00Z"})
	w.pass(time.Minute)
	w.same("until", w.hooks("helpdesk", "hooks", "until"), []string{"2026-03-01T13:45:00Z"})
	w.pass(5 * time.Hour)
	w.same("the same one", w.hooks("helpdesk", "hooks", "id"), id)
	w.do("helpdesk", "POST /boards/"+board+"/cards", `{"text":"One"}`, "")
	w.same("events", w.newEvents(), []string{"helpdesk.card.created helpdesk"})
}

// A vendor that is not available is asked again with growing waits; the log and
// the doctor have the problem. What ended meanwhile is registered again.
func TestRenewalFails(t *testing.T) {
	w := newFixture(t, on("helpdesk.card.created"))
	board := w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "id")
	w.run()
	w.pass(44 * time.Minute)
	w.must(w.sandbox.Fault(sandbox.Fault{App: "helpdesk", Operation: "hooks.change", Status: 500, Times: 1000}))
	w.pass(2 * time.Minute)
	if !strings.Contains(w.log.String(), "webhook not registered as wanted") {
		t.Errorf("the log has nothing:\n%s", w.log)
	}
	problems := w.registrar.Problems()
	if len(problems) != 1 || problems[0].Connection != "helpdesk" || !strings.Contains(problems[0].Text, "renew:") || problems[0].Item != board {
		t.Errorf("problems %+v, want one of the renewal", problems)
	}
	if s := w.stored()[0]; s.Problem == "" || s.Failures == 0 {
		t.Errorf("stored %+v, want why", s)
	}
	asked := w.sandbox.Calls("helpdesk", "hooks.change")
	w.pass(12 * time.Minute)
	if n := w.sandbox.Calls("helpdesk", "hooks.change") - asked; n < 1 || n > 4 {
		t.Errorf("asked again %d times in 12 minutes, want a few", n)
	}
	w.pass(30 * time.Minute) // it has ended
	w.do("helpdesk", "POST /boards/"+board+"/cards", `{"text":"One"}`, "")
	w.same("events", w.newEvents(), []string{"helpdesk.card.created helpdesk"})
	if problems := w.registrar.Problems(); len(problems) != 0 {
		t.Errorf("problems %+v, want none since it is registered again", problems)
	}
}

// At a vendor without lists and renewals another channel is opened, and the old
// one is removed a while later.
func TestReplacement(t *testing.T) {
	w := newFixture(t, on("post.card.created"))
	board := w.do("post", "POST /boards", `{"title":"Plan"}`, "id")
	w.run()
	first := w.hooks("post", "channels", "id")
	w.same("polled when it was opened", w.polls, []string{"post cards"})
	w.pass(18 * time.Hour)
	if got := w.hooks("post", "channels", "id"); len(got) != 2 {
		t.Fatalf("channels %q, want the old one and the new one\n%s", got, w.log)
	}
	w.polls = nil
	w.do("post", "POST /boards/"+board+"/cards", `{"text":"One"}`, "")
	events := w.newEvents()
	w.same("polled", w.polls, []string{"post cards", "post cards"})
	w.pass(subscription.DefaultSettle)
	if got := w.hooks("post", "channels", "id"); len(got) != 1 || got[0] == first[0] {
		t.Errorf("channels %q, want the new one only", got)
	}
	if len(events) != 0 {
		t.Errorf("events %+v, want none: the webhook only requests a poll", events)
	}
}

// However a registration is interrupted, there is one in the end, and its
// webhooks can be verified.
func TestAnInterruptedRegistrationIsMadeOnce(t *testing.T) {
	live := func(s journal.Subscription) bool { return s.State == journal.SubscriptionLive }
	for _, c := range []struct {
		name, trigger, app, create, resource string
		cut                                  sandbox.Cut
		crashes                              bool // before it has stored that the vendor confirmed
	}{
		{"a crash in between", "qonto.client.created", "qonto", "webhook_subscriptions.create", "webhook_subscriptions", "", true},
		{"the answer is lost", "qonto.client.created", "qonto", "webhook_subscriptions.create", "webhook_subscriptions", sandbox.CutAnswer, false},
		{"the request is lost", "qonto.client.created", "qonto", "webhook_subscriptions.create", "webhook_subscriptions", sandbox.CutRequest, false},
		{"a crash in between, after the handshake", "helpdesk.card.created", "helpdesk", "hooks.create", "hooks", "", true},
		{"the answer is lost, after the handshake", "helpdesk.card.created", "helpdesk", "hooks.create", "hooks", sandbox.CutAnswer, false},
		{"a crash in between, and there are no lists", "post.card.created", "post", "channels.open", "channels", "", true},
		{"the answer is lost, and there are no lists", "post.card.created", "post", "channels.open", "channels", sandbox.CutAnswer, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newFixture(t, on(c.trigger))
			board := ""
			if c.app != "qonto" {
				board = w.do(c.app, "POST /boards", `{"title":"Plan"}`, "id")
			}
			if c.crashes {
				w.store.refuses(live)
			}
			if c.cut != "" {
				w.must(w.sandbox.Fault(sandbox.Fault{App: c.app, Operation: c.create, Cut: c.cut, Times: 1}))
			}
			w.run()
			if stored := w.stored(); len(stored) != 1 || stored[0].State != journal.SubscriptionPending {
				t.Fatalf("stored %+v, want one that is pending\n%s", stored, w.log)
			}
			w.restart()
			w.run()
			w.pass(3 * time.Minute)
			if got := w.hooks(c.app, c.resource, "id"); len(got) != 1 {
				t.Fatalf("registered %q, want one\n%s", got, w.log)
			}
			if stored := w.stored(); len(stored) != 1 || stored[0].State != journal.SubscriptionLive {
				t.Errorf("stored %+v", stored)
			}
			w.newEvents()
			w.polls = nil
			if board == "" {
				w.do("qonto", "POST /clients", client, "")
			} else {
				w.do(c.app, "POST /boards/"+board+"/cards", `{"text":"One"}`, "")
			}
			if events := append(w.newEvents(), w.polls...); len(events) != 1 {
				t.Errorf("events %q, want one\n%s", events, w.log)
			}
		})
	}
}

// After the loss of the journal our webhooks at the vendor are recognized by
// their address, and those of others stay.
func TestTheJournalIsLost(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	for _, address := range []string{"https://elsewhere.example/hooks/qonto?subscription=x", w.public + "/hooks/qonto"} {
		w.do("qonto", "POST /webhook_subscriptions", fmt.Sprintf(`{"callback_url":%q,"types":["v1/cards"]}`, address), "")
	}
	w.run()
	w.stop()
	for _, s := range w.stored() {
		w.must(w.store.DropSubscription(t.Context(), s.Key))
	}
	w.restart()
	w.run()
	got := w.hooks("qonto", "webhook_subscriptions", "callback_url")
	if len(got) != 3 {
		t.Fatalf("registered %q, want ours once and theirs\n%s", got, w.log)
	}
	if stored := w.stored(); len(stored) != 1 || !strings.Contains(strings.Join(got, " "), stored[0].Key) {
		t.Errorf("stored %+v, registered %q", stored, got)
	}
	w.do("qonto", "POST /clients", client, "")
	w.same("events", w.newEvents(), []string{"qonto.client.created qonto"})
}

// A subscription that the vendor ended is found by its list, or by its webhook.
func TestEndedByTheVendor(t *testing.T) {
	w := newFixture(t, on("qonto.client.created", "post.card.created"))
	w.run()
	first := w.hooks("qonto", "webhook_subscriptions", "id")
	w.do("qonto", "DELETE /webhook_subscriptions/"+first[0], "", "")
	w.pass(subscription.DefaultCheck)
	if got := w.hooks("qonto", "webhook_subscriptions", "id"); len(got) != 1 || got[0] == first[0] {
		t.Errorf("registered %q, want another", got)
	}
	first = w.hooks("qonto", "webhook_subscriptions", "id")
	w.do("qonto", "DELETE /webhook_subscriptions/"+first[0], "", "")
	w.pass(2 * time.Minute)
	for _, s := range w.stored() {
		w.registrar.Lost(s.Connection, s.Key)
	}
	w.quiet()
	if got := w.hooks("qonto", "webhook_subscriptions", "id"); len(got) != 1 || got[0] == first[0] {
		t.Errorf("registered %q, want another at once", got)
	}
	if got := w.hooks("post", "channels", "id"); len(got) != 2 {
		t.Errorf("channels %q, want another besides the one that cannot be listed", got)
	}
	w.pass(2 * time.Minute)
	if got := w.hooks("post", "channels", "id"); len(got) != 1 {
		t.Errorf("channels %q, want one", got)
	}
}

func TestExpiring(t *testing.T) {
	w := newFixture(t, on("helpdesk.card.created"))
	w.do("helpdesk", "POST /boards", `{"title":"Plan"}`, "")
	w.run()
	w.pass(10 * time.Minute)
	w.registrar.Expiring("helpdesk", w.stored()[0].Key)
	w.quiet()
	w.same("renewed at once", w.hooks("helpdesk", "hooks", "until"), []string{"2026-03-01T13:10:00Z"})
}

// With a new address the old registration is removed a while after the new one
// was made.
func TestAnotherAddress(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	w.run()
	w.stop()
	w.public = strings.Replace(w.public, "127.0.0.1", "localhost", 1)
	w.restart()
	w.run()
	if got := w.hooks("qonto", "webhook_subscriptions", "callback_url"); len(got) != 2 {
		t.Errorf("registered %q, want both for a while", got)
	}
	w.pass(2 * time.Minute)
	got := w.hooks("qonto", "webhook_subscriptions", "callback_url")
	if len(got) != 1 || !strings.HasPrefix(got[0], w.public) {
		t.Errorf("registered %q, want the new address", got)
	}
}

// A vault that cannot be opened loses nothing: webhooks are answered with an
// error, so that the vendor repeats them, and nothing is registered again.
func TestTheVaultCannotBeOpened(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	w.run()
	w.stop()
	before := w.hooks("qonto", "webhook_subscriptions", "id")
	registrar, err := subscription.New(t.Context(), subscription.Config{
		Connections: w.set, Calls: w.calls, Store: w.store, Secrets: unread{}, Generation: w.scripts.Generation, PublicURL: w.public,
		Auto: func(string) bool { return true }, Clock: w.clock,
	})
	w.must(err)
	if _, _, err := registrar.Find(w.stored()[0].Key); err == nil || strings.Contains(err.Error(), journal.ErrNotFound.Error()) {
		t.Errorf("found with %v, want that it cannot be read", err)
	}
	_, err = registrar.Sync(t.Context(), subscription.SyncOptions{Connections: []string{"qonto"}})
	w.must(err)
	w.same("registered", w.hooks("qonto", "webhook_subscriptions", "id"), before)
}

// A subscription of a connection that does not exist any more is a problem that
// a person must solve.
func TestAConnectionThatDoesNotExist(t *testing.T) {
	w := newFixture(t, on("qonto.client.created"))
	orphan := journal.Subscription{Key: "k", Connection: "qonto/old", Name: "events", State: journal.SubscriptionLive, ID: "id-1", Of: []json.RawMessage{}}
	w.must(w.store.PutSubscription(t.Context(), orphan))
	w.restart()
	w.run()
	w.pass(2 * time.Hour)
	problems := w.registrar.Problems()
	if len(problems) != 1 || !strings.Contains(problems[0].Text, `"id-1"`) || problems[0].Connection != "qonto/old" {
		t.Errorf("problems %+v", problems)
	}
}
