package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
)

// subscribable returns apps with subscriptions. The vendor of tasks sends batches
// of events, signed with a secret that it chose; that of teams sends the secret
// in each notification; that of calendar sends headers without a body, which
// contain only that something changed.
func subscribable(t testing.TB) []*bindings.App {
	t.Helper()
	return []*bindings.App{{
		Name: "tasks", Auth: token, Account: bindings.Account{Noun: "workspace", Paths: []string{"workspace"}},
		Catalogue: catalogue(t, `trigger tasks.task.changed {"vendor":"changed","when":{"resource.type":"task"},"record":"resource.gid"}
trigger tasks.project.changed {"vendor":"changed","when":{"resource.type":"project"},"record":"resource.gid"}
`),
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{bindings.PlainHMAC("X-Hook-Signature", "", bindings.Hex)},
			Handshake:  &bindings.Handshake{Header: "X-Hook-Secret"},
			Batch:      "events", Type: "action", At: "created_at", GoneStatus: http.StatusGone,
		},
		Subscriptions: []bindings.Subscription{{Name: "events", Triggers: []string{"tasks.*.*"}}},
	}, {
		Name: "teams", Auth: token, Account: bindings.Account{Noun: "tenant", Paths: []string{"tenantId"}},
		Catalogue: catalogue(t, `trigger teams.message.created {"vendor":"created","record":"id"}
trigger teams.message.updated {"vendor":"updated","record":"id"}
trigger teams.chat.created {"vendor":"created","record":"id"}
`),
		Webhook: &bindings.Webhook{
			Handshake: &bindings.Handshake{Query: "validationToken"}, Token: &bindings.WebhookToken{Path: "clientState"},
			Batch: "value", ID: "id", Type: "changeType", AnyCase: true, BareType: "lifecycleEvent", Data: "resourceData",
			DedupPaths: []string{"changeType", "resource"}, NoDedup: []string{"updated"},
			ReconcileOn: []string{"missed", "subscriptionremoved"}, RenewOn: []string{"reauthorizationrequired"},
		},
		Subscriptions: []bindings.Subscription{
			{Name: "messages", Triggers: []string{"teams.message.*"}, Adds: map[string]string{"channelId": "id", "teamId": "of.id"}},
			{Name: "chats", Triggers: []string{"teams.chat.*"}},
		},
	}, {
		Name: "calendar", Auth: token, Account: bindings.Account{Noun: "account"},
		Catalogue: catalogue(t, `trigger calendar.event.changed {"record":"id"}
`),
		Webhook: &bindings.Webhook{
			Token: &bindings.WebhookToken{Header: "X-Goog-Channel-Token"}, Headers: map[string]string{"state": "X-Goog-Resource-State"},
			Type: "state", PollOn: []string{"exists", "not_exists"}, Ignore: []string{"sync"},
		},
		Subscriptions: []bindings.Subscription{{Name: "events", Triggers: []string{"calendar.event.*"}}},
	}}
}

// subscriptions implements ingest.Subscriptions in memory, and records the calls.
type subscriptions struct {
	mu      sync.Mutex
	entries map[string]journal.Subscription
	secrets map[string]string
	waits   map[string]bool // for the vendor's secret
	calls   []string
	fail    error // of Find
	confirm error // of Confirm
}

func (b *subscriptions) Find(key string) (journal.Subscription, string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return journal.Subscription{}, "", b.fail
	}
	s, found := b.entries[key]
	if !found {
		return s, "", fmt.Errorf("look for %q: %w", key, journal.ErrNotFound)
	}
	return s, b.secrets[key], nil
}

func (b *subscriptions) Confirm(_ context.Context, key, secret string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.confirm != nil:
		return b.confirm
	case !b.waits[key]:
		return fmt.Errorf("%q: %w", key, journal.ErrNotAwaited)
	}
	delete(b.waits, key)
	b.secrets[key] = secret
	return nil
}

func (b *subscriptions) record(what, connection, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, what+" "+connection+" "+key)
}

func (b *subscriptions) PollSoon(connection, key string) { b.record("poll soon", connection, key) }
func (b *subscriptions) Lost(connection, key string)     { b.record("lost", connection, key) }
func (b *subscriptions) Expiring(connection, key string) { b.record("expiring", connection, key) }

func newSubscriptions() *subscriptions {
	entry := func(key, connection, name string) journal.Subscription {
		return journal.Subscription{Key: key, Connection: connection, Name: name, State: journal.SubscriptionLive}
	}
	messages := entry("messages", "teams", "messages")
	messages.Of = []json.RawMessage{json.RawMessage(`{"id":"channel-1"}`), json.RawMessage(`{"id":"team-1"}`)}
	return &subscriptions{
		entries: map[string]journal.Subscription{
			"tasks": entry("tasks", "tasks/paris", "events"), "new": entry("new", "tasks/paris", "events"),
			"messages": messages, "chats": entry("chats", "teams", "chats"), "calendar": entry("calendar", "calendar", "events"),
		},
		secrets: map[string]string{"tasks": "tasks-secret", "messages": "teams-secret", "chats": "chats-secret", "calendar": "calendar-secret"},
		waits:   map[string]bool{"new": true},
	}
}

func newSubscribed(t testing.TB, options ...func(*ingest.Config)) (*receiver, *subscriptions) {
	t.Helper()
	r, b := &receiver{apps: subscribable(t), stored: map[string]journal.Event{}}, newSubscriptions()
	credentials := map[string]string{"token": "secret-token"}
	set, err := connection.New(connection.Config{Apps: r.apps, Folder: t.TempDir(), Settings: []connection.Settings{
		{Name: "tasks/paris", Account: "w1", Credentials: credentials, WebhookSecret: "by-hand"},
		{Name: "tasks/lyon", Account: "w2", Credentials: credentials, WebhookSecret: "by-hand"},
		{Name: "teams", Credentials: credentials}, {Name: "calendar", Credentials: credentials, WebhookSecret: "by-hand"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	config := ingest.Config{Apps: r.apps, Connections: set, Accept: r.accept, Subscriptions: b, Clock: clock.NewManual(now)}
	for _, option := range options {
		option(&config)
	}
	r.ingest = ingest.New(config)
	r.Server = httptest.NewServer(r.ingest.Handler())
	t.Cleanup(func() {
		r.Server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return r, b
}

func headers(pairs ...string) func([]byte) http.Header {
	return func([]byte) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
}

func TestSubscribedWebhook(t *testing.T) {
	tasks := subscribable(t)[0]
	sign := signed(t, tasks, 0, "tasks-secret", now)
	channel := headers("X-Goog-Channel-Token", "calendar-secret", "X-Goog-Resource-State", "exists")
	for _, c := range []struct {
		name, path, body string
		sign             func([]byte) http.Header
		status           int
		answer           string // part of the answer
		events, calls    []string
	}{
		{name: "many events in one body", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, status: 200, answer: `"events":[`,
			body: `{"events":[{"action":"changed","resource":{"type":"task","gid":"t1"}},{"action":"changed","resource":{"type":"project","gid":"p1"}},
				{"action":"novel","resource":{"gid":"x"}}]}`,
			events: []string{"tasks.task.changed t1", "tasks.project.changed p1", "tasks.event.other "}},
		{name: "the same notification twice is one event", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, status: 200, answer: "repeated",
			body:   `{"events":[{"action":"changed","resource":{"type":"task","gid":"t1"}},{"action":"changed","resource":{"type":"task","gid":"t1"}}]}`,
			events: []string{"tasks.task.changed t1"}},
		{name: "an empty batch", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, body: `{"events":[]}`, status: 200},
		{name: "a batch without a list", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, body: `{}`, status: 200},
		{name: "no list", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, body: `{"events":{"action":"changed"}}`, status: 400, answer: "expected a list"},
		{name: "no objects in the list", path: "/hooks/tasks/paris?subscription=tasks", sign: sign, body: `{"events":[{},7]}`, status: 400, answer: "objects"},
		{name: "signed with the connection's own secret", path: "/hooks/tasks/paris?subscription=tasks", sign: signed(t, tasks, 0, "by-hand", now),
			body: `{"events":[]}`, status: 401, answer: "does not match"},
		{name: "registered by hand: no key, the connection's secret", path: "/hooks/tasks/paris", sign: signed(t, tasks, 0, "by-hand", now), status: 200,
			body: `{"events":[{"action":"changed","resource":{"type":"task","gid":"t1"}}]}`, events: []string{"tasks.task.changed t1"}},
		{name: "by hand, found by the account", path: "/hooks/tasks", sign: signed(t, tasks, 0, "by-hand", now), status: 200,
			body:   `{"events":[{"action":"x","workspace":"w1"},{"action":"y"},{"action":"z","workspace":"w1"}]}`,
			events: []string{"tasks.event.other ", "tasks.event.other ", "tasks.event.other "}},
		{name: "one body for two connections", path: "/hooks/tasks", sign: signed(t, tasks, 0, "by-hand", now), status: 422, answer: "not of one connection",
			body: `{"events":[{"action":"x","workspace":"w1"},{"action":"y","workspace":"w2"}]}`},
		{name: "a key of nobody", path: "/hooks/tasks/paris?subscription=other", sign: sign, body: `{"events":[]}`, status: 410, answer: "no such subscription"},
		{name: "another connection's key", path: "/hooks/tasks/lyon?subscription=tasks", sign: sign, body: `{"events":[]}`, status: 410},
		{name: "another app's key", path: "/hooks/teams?subscription=tasks", body: `{"value":[]}`, status: 404},
		{name: "an empty key", path: "/hooks/teams?subscription=", body: `{"value":[]}`, status: 404},
		{name: "before it is confirmed", path: "/hooks/tasks/paris?subscription=new", sign: sign, body: `{"events":[]}`, status: 401, answer: "no secret yet"},

		{name: "the secret in each, the item's fields added", path: "/hooks/teams?subscription=messages", status: 200,
			body: `{"value":[{"changeType":"created","clientState":"teams-secret","resource":"m1","resourceData":{"id":"m1"}},
				{"changeType":"updated","clientState":"teams-secret","resource":"m1","resourceData":{"id":"m1","teamId":"theirs"}}]}`,
			events: []string{`teams.message.created m1 {"id":"m1","channelId":"channel-1","teamId":"team-1"}`,
				`teams.message.updated m1 {"id":"m1","teamId":"theirs","channelId":"channel-1","teamId":"team-1"}`}},
		{name: "the same type in another subscription", path: "/hooks/teams?subscription=chats", status: 200,
			body:   `{"value":[{"changeType":"created","clientState":"chats-secret","resourceData":{"id":"c1"}}]}`,
			events: []string{"teams.chat.created c1"}},
		{name: "a type in another case", path: "/hooks/teams?subscription=chats", status: 200,
			body:   `{"value":[{"changeType":"Created","clientState":"chats-secret","resourceData":{"id":"c1"}}]}`,
			events: []string{"teams.chat.created c1"}},
		{name: "the secret is not stored", path: "/hooks/teams?subscription=chats", status: 200,
			body:   `{"value":[{"changeType":"novel","clientState":"chats-secret","resource":"c1"}]}`,
			events: []string{`teams.event.other  {"changeType":"novel","resource":"c1"}`}},
		{name: "a wrong secret in one of them", path: "/hooks/teams?subscription=messages", status: 401, answer: "does not carry the secret",
			body: `{"value":[{"changeType":"created","clientState":"teams-secret"},{"changeType":"created","clientState":"chats-secret"}]}`},
		{name: "no secret in one of them", path: "/hooks/teams?subscription=messages", status: 401, answer: "clientState",
			body: `{"value":[{"changeType":"created","clientState":"teams-secret"},{"changeType":"created"}]}`},
		{name: "no notification with a secret", path: "/hooks/teams?subscription=messages", body: `{"value":[]}`, status: 401},
		{name: "webhooks were lost", path: "/hooks/teams?subscription=messages", status: 200,
			body: `{"value":[{"lifecycleEvent":"missed","clientState":"teams-secret"}]}`, calls: []string{"lost teams messages"}},
		{name: "events and a request for renewal", path: "/hooks/teams?subscription=messages", status: 200,
			body: `{"value":[{"lifecycleEvent":"reauthorizationRequired","clientState":"teams-secret"},
				{"changeType":"created","clientState":"teams-secret","resourceData":{"id":"m2"}}]}`,
			events: []string{"teams.message.created m2"}, calls: []string{"expiring teams messages"}},
		{name: "nobody's secret", path: "/hooks/teams", status: 401, answer: "clientState", body: `{"value":[{"changeType":"created","clientState":""}]}`},

		{name: "a poll soon without a body", path: "/hooks/calendar?subscription=calendar", sign: channel, status: 200, calls: []string{"poll soon calendar calendar"}},
		{name: "a poll soon by hand", path: "/hooks/calendar", status: 200, calls: []string{"poll soon calendar "},
			sign: headers("X-Goog-Channel-Token", "by-hand", "X-Goog-Resource-State", "not_exists")},
		{name: "a state that is ignored", path: "/hooks/calendar?subscription=calendar", status: 200,
			sign: headers("X-Goog-Channel-Token", "calendar-secret", "X-Goog-Resource-State", "sync")},
		{name: "an unknown state", path: "/hooks/calendar?subscription=calendar", status: 200, events: []string{`calendar.event.other  {"state":"novel"}`},
			sign: headers("X-Goog-Channel-Token", "calendar-secret", "X-Goog-Resource-State", "novel")},
		{name: "a wrong token", path: "/hooks/calendar?subscription=calendar", status: 401, answer: "X-Goog-Channel-Token",
			sign: headers("X-Goog-Channel-Token", "by-hand", "X-Goog-Resource-State", "exists")},
		{name: "no token", path: "/hooks/calendar?subscription=calendar", status: 401, answer: "X-Goog-Channel-Token is missing",
			sign: headers("X-Goog-Resource-State", "exists")},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, b := newSubscribed(t)
			status, answer, _ := r.post(t, c.path, c.body, c.sign)
			if status != c.status || !strings.Contains(answer, c.answer) {
				t.Fatalf("got %d %s, want %d and %q", status, answer, c.status, c.answer)
			}
			var got []string
			for _, e := range r.stored {
				got = append(got, e.Type+" "+e.Record+" "+string(e.Data))
			}
			slices.Sort(got)
			slices.Sort(c.events)
			if !slices.EqualFunc(got, c.events, strings.HasPrefix) {
				t.Errorf("kept\n%q, want\n%q", got, c.events)
			}
			if len(c.events) > 0 && r.commits != 1 {
				t.Errorf("%d commits, want one for all events of a body", r.commits)
			}
			if !slices.Equal(b.calls, c.calls) {
				t.Errorf("the calls are %q, want %q", b.calls, c.calls)
			}
			for _, secret := range b.secrets {
				if strings.Contains(answer, secret) {
					t.Errorf("the answer shows a secret: %s", answer)
				}
			}
		})
	}
}

// TestIDsOfNotifications sends notifications without an id. The same one, sent
// again alone or with others, is one event; each is one where the app lists the
// type in NoDedup.
func TestIDsOfNotifications(t *testing.T) {
	r, _ := newSubscribed(t)
	notification := func(change, resource, more string) string {
		return fmt.Sprintf(`{"changeType":%q,"clientState":"teams-secret","resource":%q%s}`, change, resource, more)
	}
	for _, body := range []string{
		notification("created", "m1", ""),
		notification("created", "m1", `,"subscriptionExpirationDateTime":"2026-11-24"`) + "," + notification("created", "m2", ""),
		notification("updated", "m1", ""), notification("updated", "m1", ""),
		notification("updated", "m1", `,"id":"n1"`), notification("updated", "m1", `,"id":"n1"`),
	} {
		if status, answer, _ := r.post(t, "/hooks/teams?subscription=messages", `{"value":[`+body+`]}`, nil); status != 200 {
			t.Fatalf("got %d %s", status, answer)
		}
	}
	counts := map[string]int{}
	for _, e := range r.stored {
		counts[e.Type]++
	}
	if counts["teams.message.created"] != 2 || counts["teams.message.updated"] != 3 {
		t.Errorf("stored %v, want 2 created and 3 updated", counts)
	}
}

func TestConfirm(t *testing.T) {
	r, b := newSubscribed(t)
	hook := headers("X-Hook-Secret", "the-vendor's-own")
	status, _, header := r.post(t, "/hooks/tasks/paris?subscription=new", "", hook)
	if status != 200 || header.Get("X-Hook-Secret") != "the-vendor's-own" || b.secrets["new"] != "the-vendor's-own" {
		t.Fatalf("got %d with %q, stored %q, want the secret stored and sent back", status, header.Get("X-Hook-Secret"), b.secrets["new"])
	}
	body := `{"events":[{"action":"changed","resource":{"type":"task","gid":"t1"}}]}`
	if status, answer, _ := r.post(t, "/hooks/tasks/paris?subscription=new", body, signed(t, r.apps[0], 0, "the-vendor's-own", now)); status != 200 {
		t.Errorf("signed with it: got %d %s", status, answer)
	}
	for path, want := range map[string]int{
		"/hooks/tasks/paris?subscription=new":   403, // it is confirmed already
		"/hooks/tasks/paris?subscription=tasks": 403,
		"/hooks/tasks/paris?subscription=other": 410,
		"/hooks/tasks/paris":                    400,
	} {
		status, _, header := r.post(t, path, "", headers("X-Hook-Secret", "an-attacker's"))
		if status != want || header.Get("X-Hook-Secret") != "" {
			t.Errorf("%s: got %d with %q, want %d", path, status, header.Get("X-Hook-Secret"), want)
		}
	}
	if b.secrets["new"] != "the-vendor's-own" || b.secrets["tasks"] != "tasks-secret" {
		t.Errorf("secrets are now %v", b.secrets)
	}
}

func TestConfirmByQuery(t *testing.T) {
	r, _ := newSubscribed(t)
	token := `Validation: Testing <script>alert("1")</script> & more é`
	status, answer, header := r.post(t, "/hooks/teams?subscription=messages&validationToken="+url.QueryEscape(token), "", nil)
	if status != 200 || answer != token {
		t.Errorf("got %d %q", status, answer)
	}
	if header.Get("Content-Type") != "text/plain; charset=utf-8" || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("a browser could take it for a page: %v", header)
	}
	for query, want := range map[string]int{
		"?validationToken=x":                                                  200,
		"?subscription=other&validationToken=x":                               404,
		"?subscription=messages&validationToken=":                             400,
		"?subscription=messages&validationToken=" + strings.Repeat("x", 5000): 400,
	} {
		if status, _, _ := r.post(t, "/hooks/teams"+query, "", nil); status != want {
			t.Errorf("%.60s: got %d, want %d", query, status, want)
		}
	}
}

// TestSubscriptionsCannotBeRead sends a webhook while subscriptions cannot be
// read. The answer must not be the one for a deleted subscription, after which
// the vendor stops.
func TestSubscriptionsCannotBeRead(t *testing.T) {
	r, b := newSubscribed(t)
	b.fail = errors.New("the vault is locked")
	status, answer, _ := r.post(t, "/hooks/tasks/paris?subscription=tasks", `{"events":[]}`, nil)
	if status != 503 || strings.Contains(answer, "vault") {
		t.Errorf("got %d %s", status, answer)
	}
}

// FuzzSubscribed sends any body, query and headers with a valid signature or
// secret: it is stored or refused, and the server does not crash.
func FuzzSubscribed(f *testing.F) {
	r, _ := newSubscribed(f)
	handler := r.ingest.Handler()
	f.Add(0, []byte(`{"events":[{"action":"changed"}]}`), "subscription=tasks", "x")
	f.Add(0, []byte(`{"events":[[],{}]}`), "subscription=new", "secret")
	f.Add(1, []byte(`{"value":[{"clientState":"teams-secret","resourceData":{}},{"clientState":"teams-secret"}]}`), "subscription=messages", "")
	f.Add(1, []byte(`{"value":[{"clientState":"teams-secret","resourceData":[1],"changeType":"created"}]}`), "subscription=messages", "")
	f.Add(1, []byte(""), "validationToken=%00%ff", "")
	f.Add(2, []byte(" "), "subscription=calendar", "exists")
	f.Add(2, []byte(`{"state":"x" , "state":{} } `), "subscription=calendar", "\"}")
	f.Fuzz(func(t *testing.T, app int, body []byte, query, value string) {
		path := [...]string{"/hooks/tasks/paris", "/hooks/teams", "/hooks/calendar"}[uint(app)%3]
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(string(body)))
		request.URL.RawQuery = query
		request.Header = signed(t, r.apps[0], 0, "tasks-secret", now)(body)
		request.Header.Set("X-Goog-Channel-Token", "calendar-secret")
		request.Header.Set("X-Goog-Resource-State", value)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		if answer.Code >= 500 {
			t.Errorf("got %d for %q", answer.Code, body)
		}
		for id, e := range r.stored {
			if !json.Valid(e.Data) || id == "" || e.Connection == "" {
				t.Errorf("stored %+v with the data %q", e, e.Data)
			}
			delete(r.stored, id)
		}
	})
}
