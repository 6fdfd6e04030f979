package subscription_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/qonto"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/slack"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/subscription"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The tests have two vendors besides Qonto. The app `helpdesk` registers one webhook
// for each board, chooses the secret itself, and ends the webhook after an hour
// unless it is renewed; it has a list of webhooks. The app `post` opens channels
// that end after a day, has no list of them, and sends only that something
// changed.
const common = `
operation boards.create {"id":"b1","method":"POST","path":"/boards","body":{"encoding":"json","type":"#Board"},"answer":"#Board"}
operation boards.list {"id":"b2","method":"GET","path":"/boards","answer":"#Boards","pages":{"items":"boards"}}
operation boards.get {"id":"b3","method":"GET","path":"/boards/{boardId}","in_path":["boardId!: string"],"answer":"#Board"}
operation boards.delete {"id":"b4","method":"DELETE","path":"/boards/{boardId}","in_path":["boardId!: string"]}
operation cards.create {"id":"c1","method":"POST","path":"/boards/{boardId}/cards","in_path":["boardId!: string"],"body":{"encoding":"json","type":"#Card"},"answer":"#Card"}
operation cards.list {"id":"c2","method":"GET","path":"/boards/{boardId}/cards","in_path":["boardId!: string"],"answer":"#Cards","pages":{"items":"cards"}}
operation cards.get {"id":"c3","method":"GET","path":"/boards/{boardId}/cards/{cardId}","in_path":["boardId!: string","cardId!: string"],"answer":"#Card"}
type Board {"fields":["id: string","title: string"]}
type Boards {"fields":["boards: [#Board]"]}
type Card {"fields":["id: string","text: string","board_id: string"]}
type Cards {"fields":["cards: [#Card]"]}
`

const boardCatalogue = common + `
operation hooks.create {"id":"h1","method":"POST","path":"/hooks","body":{"encoding":"json","type":"#NewHook","wrap":"data","required":true},"answer":"#Made"}
operation hooks.list {"id":"h2","method":"GET","path":"/hooks","in_query":["board!: string"],"answer":"#Hooks","pages":{"items":"data"}}
operation hooks.change {"id":"h3","method":"PATCH","path":"/hooks/{hookId}","in_path":["hookId!: string"],"body":{"encoding":"json","type":"#Change","wrap":"data"},"answer":"#Made"}
operation hooks.delete {"id":"h4","method":"DELETE","path":"/hooks/{hookId}","in_path":["hookId!: string"]}
type NewHook {"fields":["target!: string","board!: string","until: string"]}
type Change {"fields":["until: string"]}
type Hook {"fields":["id: string","target: string","board: string","until: string"]}
type Made {"fields":["data: #Hook"]}
type Hooks {"fields":["data: [#Hook]"]}
trigger helpdesk.card.created {"vendor":"card.created","record":"id","data":"#Card"}
`

const channelCatalogue = common + `
operation channels.open {"id":"n1","method":"POST","path":"/channels","body":{"encoding":"json","type":"#Channel","required":true},"answer":"#Channel"}
operation channels.get {"id":"n2","method":"GET","path":"/channels/{channelId}","in_path":["channelId!: string"],"answer":"#Channel"}
operation channels.stop {"id":"n3","method":"DELETE","path":"/channels/{channelId}","in_path":["channelId!: string"],"in_query":["resource!: string"]}
type Channel {"fields":["id: string","address: string","token: string","until: string","resource: string"]}
trigger post.card.created {"record":"id","data":"#Card"}
`

var token = []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}}

func args(pairs ...string) map[string]any {
	all := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

func boardApp() *bindings.App {
	return &bindings.App{
		Name: "helpdesk", Title: "Desk", Auth: token, Catalogue: parsed(boardCatalogue),
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{bindings.PlainHMAC("X-Signature", "", bindings.Hex)}, Handshake: &bindings.Handshake{Header: "X-Hook-Secret"},
			Batch: "events", Type: "kind", ID: "uid", GoneStatus: http.StatusGone,
		},
		Subscriptions: []bindings.Subscription{{
			Name: "cards", Triggers: []string{"helpdesk.card.*"}, ForEach: &bindings.ForEach{List: bindings.Call{Operation: "boards.list"}, ID: "id"},
			Create: bindings.Call{Operation: "hooks.create", Args: args("target", "{url}", "board", "{of.id}", "until", "{expires}")},
			List:   &bindings.Call{Operation: "hooks.list", Args: args("board", "{of.id}")},
			Renew:  &bindings.Call{Operation: "hooks.change", Args: args("hookId", "{id}", "until", "{expires}")},
			Remove: bindings.Call{Operation: "hooks.delete", Args: args("hookId", "{id}")},
			Wrap:   "data", ID: "id", Address: "target", Expires: "until", Lifetime: time.Hour, Adds: map[string]string{"board_title": "title"},
		}},
	}
}

func channelApp() *bindings.App {
	return &bindings.App{
		Name: "post", Title: "Post", Auth: token, Catalogue: parsed(channelCatalogue),
		Webhook: &bindings.Webhook{
			Token: &bindings.WebhookToken{Header: "X-Token"}, Headers: map[string]string{"state": "X-State"}, Type: "state",
			PollOn: []string{"*"}, Ignore: []string{"sync"},
		},
		Polls: []bindings.Poll{{Name: "cards"}},
		Subscriptions: []bindings.Subscription{{
			Name: "cards", Triggers: []string{"post.card.*"}, Poll: "cards", Lifetime: 24 * time.Hour,
			Create: bindings.Call{Operation: "channels.open", Args: args("id", "{id}", "address", "{url}", "token", "{secret}", "until", "{expires}")},
			Remove: bindings.Call{Operation: "channels.stop", Args: args("channelId", "{id}", "resource", "{kept.resource}")},
			ID:     "id", Expires: "until", Stored: []string{"resource"},
		}},
	}
}

func parsed(text string) *bindings.Catalogue {
	c, err := bindings.ParseCatalogue([]byte(text))
	if err != nil {
		panic(err)
	}
	return c
}

// fixture is an installation with all that webhooks need, with the vendors in
// the sandbox and real HTTP.
type fixture struct {
	*testing.T
	clock     *clock.Manual
	sandbox   *sandbox.Sandbox
	apps      []*bindings.App
	store     *refusingStore
	set       *connection.Set
	scripts   *script.Set
	calls     *call.Client
	receiver  *httptest.Server
	registrar *subscription.Registrar
	folder    string
	settings  []connection.Settings
	public    string
	log       *logBuffer
	stop      func()

	mu     sync.Mutex
	ingest http.Handler
	events []journal.Event
	polls  []string
}

// refusingStore is a store that refuses subscriptions for which refuse is true.
type refusingStore struct {
	*sqlite.Store
	mu     sync.Mutex
	refuse func(journal.Subscription) bool
}

func (d *refusingStore) PutSubscription(ctx context.Context, s journal.Subscription) error {
	d.mu.Lock()
	refuse := d.refuse
	d.mu.Unlock()
	if refuse != nil && refuse(s) {
		return journal.ErrClosed
	}
	return d.Store.PutSubscription(ctx, s)
}

func (d *refusingStore) refuses(refuse func(journal.Subscription) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refuse = refuse
}

// logBuffer is a log in memory.
type logBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// newFixture makes a fixture whose connections have webhooks: auto, unless change
// sets another value.
func newFixture(t *testing.T, source string, change ...func(*fixture)) *fixture {
	t.Helper()
	w := &fixture{T: t, clock: clock.NewManual(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), apps: []*bindings.App{boardApp(), channelApp(), qonto.App(), slack.App()}, folder: t.TempDir(), log: &logBuffer{}}
	var err error
	w.sandbox, err = sandbox.New(sandbox.Config{Apps: w.apps, Rules: all.Rules(), Seed: 1, Now: w.clock.Now})
	w.must(err)
	w.must(w.sandbox.Start(t.Context(), "127.0.0.1:0"))
	w.receiver = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		w.mu.Lock()
		handler := w.ingest
		w.mu.Unlock()
		handler.ServeHTTP(out, in)
	}))
	w.public = w.receiver.URL
	for _, app := range w.apps {
		w.settings = append(w.settings, connection.Settings{Name: app.Name, BaseURL: w.sandbox.URL(app.Name), Webhooks: "auto", Credentials: credentials(app)})
	}
	for _, c := range change {
		c(w)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(w.folder, "tidewire.db"), Clock: w.clock})
	w.must(err)
	w.store = &refusingStore{Store: store}
	w.set, err = connection.New(connection.Config{Apps: w.apps, Settings: w.settings, Folder: w.folder, Clock: w.clock})
	w.must(err)
	w.calls = call.New(call.Config{Connections: w.set, AllowPrivate: true, MaxWait: -1, Clock: w.clock})
	w.must(os.MkdirAll(filepath.Join(w.folder, "scripts"), 0o700))
	w.save(source)
	w.scripts, err = script.Open(t.Context(), script.Config{Dir: filepath.Join(w.folder, "scripts"), Machine: vm.New(vm.Config{Apps: w.apps}), Apps: w.apps})
	w.must(err)
	if problems := w.scripts.Problems(); len(problems) > 0 {
		t.Fatal(problems)
	}
	w.stop = func() {}
	t.Cleanup(func() {
		w.stop()
		w.must(w.sandbox.Close())
		w.receiver.Close()
		w.calls.Close()
		w.set.Close()
		w.must(store.Close())
		http.DefaultClient.CloseIdleConnections()
	})
	w.begin()
	return w
}

func credentials(app *bindings.App) map[string]string {
	if app.Name == "qonto" {
		return map[string]string{"login": "acme-1234", "secret_key": sandbox.Token}
	}
	return map[string]string{"token": sandbox.Token}
}

func (w *fixture) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// begin makes a registrar and a receiver on the store, as at a start.
func (w *fixture) begin() {
	w.Helper()
	var err error
	w.registrar, err = subscription.New(w.Context(), subscription.Config{
		Connections: w.set, Calls: w.calls, Store: w.store, Secrets: w.set.WebhookSecrets(), Generation: w.scripts.Generation, PublicURL: w.public,
		Auto: func(name string) bool {
			c, found := w.set.Get(name)
			return found && c.WebhooksAuto()
		},
		PollSoon: func(connection, poll, item string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.polls = append(w.polls, strings.TrimSuffix(connection+" "+poll+" "+item, " "))
		},
		Clock: w.clock, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
	w.must(err)
	server := ingest.New(ingest.Config{
		Apps: w.apps, Connections: w.set, Generation: w.scripts.Generation, Subscriptions: w.registrar, Accept: w.accept, Clock: w.clock,
	})
	w.mu.Lock()
	w.ingest = server.Handler()
	w.mu.Unlock()
}

// run runs the registrar, until stop or the end of the test.
func (w *fixture) run() {
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	registrar := w.registrar
	go func() { done <- registrar.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			w.Error(err)
		}
		w.stop = func() {}
	}
	w.quiet()
}

// restart starts again as after a crash.
func (w *fixture) restart() {
	w.stop()
	w.store.refuses(nil)
	w.begin()
}

func (w *fixture) accept(_ context.Context, events ...journal.Event) ([]journal.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events = append(w.events, events...)
	return make([]journal.Receipt, len(events)), nil
}

// quiet waits until the registrar has nothing to do and no webhook is on its
// way.
func (w *fixture) quiet() {
	w.Helper()
	late := time.After(time.Minute)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !w.registrar.Quiet() {
		select {
		case <-again.C:
			w.registrar.Wake() // it may have begun to wait after the clock was advanced, by an earlier time
		case <-late:
			w.Fatalf("the registrar does not become idle:\n%s", w.log)
		}
	}
	w.must(w.sandbox.Idle(w.Context()))
}

// pass advances the clock in small steps.
func (w *fixture) pass(d time.Duration) {
	w.Helper()
	for d > 0 {
		step := min(d, 30*time.Second)
		w.clock.Advance(step)
		d -= step
		w.quiet()
	}
}

// save writes the only script; empty removes it.
func (w *fixture) save(source string) {
	w.Helper()
	file := filepath.Join(w.folder, "scripts", "main.lua")
	if source == "" {
		w.must(os.Remove(file))
	} else {
		w.must(os.WriteFile(file, []byte(source), 0o600))
	}
	if w.scripts != nil {
		_, err := w.scripts.Reload(w.Context())
		w.must(err)
		w.quiet()
	}
}

func on(triggers ...string) string {
	var b strings.Builder
	for _, trigger := range triggers {
		fmt.Fprintf(&b, "on(%q, function(event) end)\n", trigger)
	}
	return b.String()
}

// do calls the sandbox as another client, and returns the value at a path of the
// answer.
func (w *fixture) do(app, line, body, path string) string {
	w.Helper()
	method, at, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(w.Context(), method, w.sandbox.URL(app)+at, strings.NewReader(body))
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+sandbox.Token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	w.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	w.must(err)
	if answer.StatusCode > 299 {
		w.Fatalf("%s: %d %s", line, answer.StatusCode, text)
	}
	return gjson.GetBytes(text, path).String()
}

// hooks are the webhooks that a vendor has, each as fields of its record.
func (w *fixture) hooks(app, resource string, fields ...string) (all []string) {
	w.Helper()
	for _, raw := range w.sandbox.Records(app, resource) {
		var values []string
		for _, field := range fields {
			values = append(values, gjson.GetBytes(raw, field).String())
		}
		all = append(all, strings.Join(values, " "))
	}
	slices.Sort(all)
	return all
}

// newEvents are the types and connections of the events since the last call.
func (w *fixture) newEvents() (all []string) {
	w.Helper()
	w.must(w.sandbox.Idle(w.Context()))
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		all = append(all, e.Type+" "+e.Connection)
	}
	w.events = nil
	return all
}

func (w *fixture) stored() []journal.Subscription {
	w.Helper()
	all, err := w.store.Subscriptions(w.Context())
	w.must(err)
	return all
}

func (w *fixture) same(what string, got, want []string) {
	w.Helper()
	if !slices.Equal(got, want) {
		w.Errorf("%s:\ngot  %q\nwant %q\n%s", what, got, want, w.log)
	}
}

// unread is a secret store whose vault cannot be opened.
type unread struct{}

var errVault = errors.New("the vault's key is gone")

func (unread) Load(context.Context, string, string) (string, error) { return "", errVault }
func (unread) Save(context.Context, string, string, string) error   { return errVault }
func (unread) Remove(context.Context, string, string) error         { return errVault }
