package poll_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/poll"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The test app has a list of each kind: cards are requested by the time of their
// change, all notes are listed each time, boards each have stickers, log is a
// feed, and files have a token of the vendor's.
const catalogue = `operation cards.list {"id":"a","method":"GET","path":"/cards","in_query":["since: string","page: integer","size: integer"],"pages":{"items":"cards","page":"page","size_param":"size","size":2}}
operation notes.list {"id":"b","method":"GET","path":"/notes","in_query":["after: string"],"pages":{"items":"notes","cursors":{"after":"next"}}}
operation boards.list {"id":"c","method":"GET","path":"/boards","pages":{"items":"boards"}}
operation stickers.list {"id":"d","method":"GET","path":"/boards/{board}/stickers","in_path":["board!: string"],"in_query":["after: string"],"pages":{"items":"stickers","cursors":{"after":"next"}}}
operation log.list {"id":"e","method":"GET","path":"/log","in_query":["token: string"],"pages":{"items":"entries","cursors":{"token":"token"},"more":"more"}}
operation files.list {"id":"f","method":"GET","path":"/files","in_query":["token: string","since: string","after: string"],"pages":{"items":"files","cursors":{"after":"next"}}}
trigger helpdesk.card.created {"vendor":"card.created","record":"id"}
trigger helpdesk.card.updated {"vendor":"card.updated","record":"id"}
trigger helpdesk.card.deleted {"vendor":"card.deleted","record":"id"}
trigger helpdesk.card.moved {"vendor":"card.moved","record":"id"}
trigger helpdesk.card.finished {"vendor":"card.finished","record":"id"}
trigger helpdesk.note.created {"record":"id"}
trigger helpdesk.note.updated {"record":"id"}
trigger helpdesk.note.deleted {"record":"id"}
trigger helpdesk.note.moved {"record":"id"}
trigger helpdesk.sticker.created {"record":"id"}
trigger helpdesk.sticker.updated {"record":"id"}
trigger helpdesk.sticker.deleted {"record":"id"}
trigger helpdesk.entry.added {"vendor":"added","record":"id"}
trigger helpdesk.file.created {"record":"id"}
trigger helpdesk.file.updated {"record":"id"}
trigger helpdesk.file.deleted {"record":"id"}
`

// cardPoll is a poll of cards, which have webhooks except on connections with a
// key.
func cardPoll() bindings.Poll {
	return bindings.Poll{
		Name: "cards", List: bindings.Call{Operation: "cards.list", Args: map[string]any{"since": "{since}"}}, Overlap: time.Minute,
		Record: "id", Updated: "updated", Created: "created", Compare: []string{"title", "column", "tags"},
		OnCreated: "helpdesk.card.created", OnUpdated: "helpdesk.card.updated", OnDeleted: "helpdesk.card.deleted",
		Facets: []bindings.Facet{
			{Trigger: "helpdesk.card.moved", Compare: []string{"column"}},
			{Trigger: "helpdesk.card.finished", Compare: []string{"done"}, When: map[string]string{"done": "true"}},
		},
		Every: 5 * time.Minute, FullEvery: 24 * time.Hour, Auths: []string{"key"}, Reconcile: true,
	}
}

func vendorApp() *bindings.App {
	parsed, err := bindings.ParseCatalogue([]byte(catalogue))
	if err != nil {
		panic(err)
	}
	return &bindings.App{
		Name: "helpdesk", Title: "Desk", BaseURL: "http://127.0.0.1", Catalogue: parsed,
		Auth: []bindings.Auth{
			{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"},
			{Name: "key", Fields: []string{"key"}, Header: "Authorization", Format: "Key {key}"},
		},
		Errors: bindings.Errors{Message: []string{"error"}},
		Polls: []bindings.Poll{
			cardPoll(),
			{
				Name: "notes", List: bindings.Call{Operation: "notes.list"}, Record: "id", Ignore: []string{"seen"},
				OnCreated: "helpdesk.note.created", OnUpdated: "helpdesk.note.updated", OnDeleted: "helpdesk.note.deleted",
			},
			{
				Name: "stickers", ForEach: &bindings.ForEach{List: bindings.Call{Operation: "boards.list"}, ID: "id"},
				List:   bindings.Call{Operation: "stickers.list", Args: map[string]any{"board": "{of.id}"}},
				Record: "id", PerItem: true, Adds: map[string]string{"board": "name"},
				Data:      map[string]string{"id": "id", "sticker": ".", "text": "text.plain", "helpdesk": "{account}"},
				OnCreated: "helpdesk.sticker.created", OnUpdated: "helpdesk.sticker.updated", OnDeleted: "helpdesk.sticker.deleted",
			},
			{
				Name: "log", List: bindings.Call{Operation: "log.list"}, Record: "id",
				Sync: &bindings.Sync{Param: "token", Answer: "token", Expired: []int{412}, ExpiredAnswer: "token", Feed: true, Triggers: []string{"helpdesk.entry.*"}},
			},
			{
				Name: "files", List: bindings.Call{Operation: "files.list", Args: map[string]any{"since": "2020-01-01"}},
				Record: "id", Updated: "updated", Created: "created", Series: "series",
				Sync: &bindings.Sync{Param: "token", Answer: "sync", Without: []string{"since"}, Expired: []int{410}, Complete: true,
					Deleted: map[string]string{"state": "gone"}},
				OnCreated: "helpdesk.file.created", OnUpdated: "helpdesk.file.updated", OnDeleted: "helpdesk.file.deleted",
			},
		},
	}
}

// fixture is a poller of the test app, with a real journal and real HTTP. A test
// advances its clock.
type fixture struct {
	testing.TB
	clock   *clock.Manual
	app     *bindings.App
	vendor  *vendor
	store   *sqlite.Store
	scripts *script.Set
	set     *connection.Set
	calls   *call.Client
	polls   *poll.Index
	poller  *poll.Poller
	folder  string
	setting connection.Settings
	others  []connection.Settings // further connections
	reader  func(*connection.Connection, json.RawMessage) (journal.Event, bool)
	log     *lines
	seen    int // events that newEvents returned
	closed  bool

	mu     sync.Mutex
	fail   func(n int) error // of the nth page, from 1, before it is stored
	pages  int
	dieAt  int                            // the page after which all calls fail
	sleeps map[<-chan time.Time]time.Time // when the timers fire
	slept  *sync.Cond
}

// everything is a script with a hook on all triggers of the test app.
const everything = `on("helpdesk.*.*", { lane = false }, function(event) end)`

func newFixture(t testing.TB, source string, change ...func(*fixture)) *fixture {
	t.Helper()
	w := &fixture{TB: t, clock: clock.NewManual(time.Now().Round(0)), app: vendorApp(), folder: journaltest.Folder(t), log: &lines{},
		sleeps: map[<-chan time.Time]time.Time{}}
	w.slept, w.reader = sync.NewCond(&w.mu), w.read
	w.vendor = newVendor(w.clock.Now)
	server := httptest.NewServer(w.vendor)
	t.Cleanup(server.Close)
	w.setting = connection.Settings{Name: "helpdesk", Account: "acc", BaseURL: server.URL, Credentials: map[string]string{"key": "sandbox-key"}}
	for _, c := range change {
		c(w)
	}
	w.must(os.MkdirAll(filepath.Join(w.folder, "scripts"), 0o700))
	w.script(source)
	w.open()
	t.Cleanup(func() {
		if !w.closed {
			w.close()
		}
	})
	return w
}

func (w *fixture) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *fixture) script(source string) {
	w.must(os.WriteFile(filepath.Join(w.folder, "scripts", "main.lua"), []byte(source), 0o600))
}

// open starts on the files of the folder.
func (w *fixture) open() {
	w.Helper()
	ctx := context.Background()
	var err error
	w.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(w.folder, "tidewire.db"), Clock: w.clock})
	w.must(err)
	w.set, err = connection.New(connection.Config{Apps: []*bindings.App{w.app}, Settings: append([]connection.Settings{w.setting}, w.others...), Folder: w.folder, Clock: w.clock})
	w.must(err)
	w.calls = call.New(call.Config{Connections: w.set, Clock: w.clock, MaxWait: -1, MaxSendings: 1})
	w.scripts, err = script.Open(ctx, script.Config{Dir: filepath.Join(w.folder, "scripts"), Machine: vm.New(vm.Config{Apps: []*bindings.App{w.app}}),
		Apps: []*bindings.App{w.app}, Versions: w.store, CountRuns: w.store.Live, Clock: w.clock})
	w.must(err)
	for _, p := range w.scripts.Problems() {
		w.Fatal(p.Error())
	}
	w.polls = poll.NewIndex(poll.IndexConfig{
		Connections: w.set.All, Generation: w.scripts.Generation, Clock: w, Random: func() float64 { return 0.5 },
	})
	restored, err := w.store.Restored(ctx)
	w.must(err)
	w.poller = poll.New(poll.Config{
		Restored: restored, Index: w.polls, Calls: w.calls, Store: w.store, Accept: w.accept, Read: w.reader, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

// Now implements clock.Clock.
func (w *fixture) Now() time.Time { return w.clock.Now() }

// Timer implements clock.Clock; sleeps has the timers that are waited for.
func (w *fixture) Timer(d time.Duration) (<-chan time.Time, func()) {
	ring, stop := w.clock.Timer(d)
	w.mu.Lock()
	w.sleeps[ring] = w.clock.Now().Add(d)
	w.slept.Broadcast()
	w.mu.Unlock()
	return ring, func() {
		stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.sleeps, ring)
		w.slept.Broadcast()
	}
}

// run runs the poller until the test ends.
func (w *fixture) run() {
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.poller.Run(ctx) }()
	w.Cleanup(func() {
		stop()
		w.must(<-ended)
	})
	w.settle()
}

// settle waits until the poller and its worker both wait for the clock.
func (w *fixture) settle() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		waiting, now := 0, w.clock.Now()
		for _, until := range w.sleeps {
			if until.After(now) {
				waiting++
			}
		}
		if waiting >= 2 {
			return
		}
		w.slept.Wait()
	}
}

// pass advances the clock in small steps.
func (w *fixture) pass(d time.Duration) {
	const step = 5 * time.Second
	for ; d > 0; d -= step {
		w.clock.Advance(min(d, step))
		w.settle()
	}
}

func (w *fixture) close() {
	w.calls.Close()
	w.set.Close()
	w.must(w.store.Close())
}

// again restarts the poller as after a crash.
func (w *fixture) again() {
	w.Helper()
	w.close()
	w.open()
}

func (w *fixture) arrival(e journal.Event) journal.Arrival {
	g := w.scripts.Generation()
	return journal.Arrival{Event: e, Hooks: g.Match(e.Type, e.Connection), StoreUnmatched: g.Awaited(e.Type, e.Connection), Fingerprint: w.polls.Fingerprint(&e)}
}

func (w *fixture) accept(ctx context.Context, page journal.PollPage, events ...journal.Event) ([]journal.Receipt, error) {
	w.mu.Lock()
	w.pages++
	n, fail := w.pages, w.fail
	w.mu.Unlock()
	if fail != nil {
		if err := fail(n); err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		page.Arrivals = append(page.Arrivals, w.arrival(e))
	}
	receipts, err := w.store.AcceptPage(ctx, page)
	if w.dieAt != 0 && n >= w.dieAt {
		return nil, errors.New("the process crashes")
	}
	return receipts, err
}

func (w *fixture) read(c *connection.Connection, item json.RawMessage) (journal.Event, bool) {
	if jsonpath.Text(item, "type") != "added" {
		return journal.Event{}, false
	}
	return journal.Event{ID: c.Name() + ":" + jsonpath.Text(item, "event"), Type: "helpdesk.entry.added", Connection: c.Name(), Data: item, Record: jsonpath.Text(item, "id")}, true
}

// push accepts a webhook about a card.
func (w *fixture) push(id, trigger string, at time.Time, data string) journal.Receipt {
	w.Helper()
	receipts, err := w.store.Accept(w.Context(), w.arrival(journal.Event{
		ID: "helpdesk:" + id, Type: "helpdesk.card." + trigger, Connection: "helpdesk", Account: "acc", Time: at, Data: json.RawMessage(data),
		Source: journal.Webhook, Record: jsonpath.Text([]byte(data), "id"),
	}))
	w.must(err)
	return receipts[0]
}

// callRun is a run whose calls change records.
type callRun struct {
	*fixture
	lease journal.Lease
	calls int
}

func newCallRun(w *fixture) *callRun {
	w.Helper()
	hook := &journal.Hook{Script: "main", Name: "calls", Version: "v1", Triggers: []string{"emit:calls"}, Lane: journal.Lane{Kind: journal.LaneNone}}
	_, err := w.store.Accept(w.Context(), journal.Arrival{Hooks: []*journal.Hook{hook},
		Event: journal.Event{ID: "calls", Type: "emit:calls", Source: journal.Emit, Time: w.clock.Now(), Data: json.RawMessage(`{}`)}})
	w.must(err)
	a, err := w.store.Next(w.Context())
	w.must(err)
	w.seen++
	return &callRun{fixture: w, lease: journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}}
}

// record records a call with its answer, as a Runner does.
func (r *callRun) record(w *change.Written) {
	r.Helper()
	r.calls++
	w.Fingerprint = r.polls.WrittenFingerprint(w)
	_, err := r.store.Record(r.Context(), r.lease, journal.Step{
		Number: r.calls, Name: w.Noun, State: journal.Done, Result: w.Data, Args: json.RawMessage(`{}`), Started: r.clock.Now(),
	}, journal.Effect{Written: w})
	r.must(err)
}

// scan makes one scan and returns the events since the last call.
func (w *fixture) scan(name string) string {
	w.Helper()
	return w.scanFor(name, journal.Poll)
}

func (w *fixture) scanFor(name string, source journal.Source) string {
	w.Helper()
	if _, err := w.poller.Scan(w.Context(), "helpdesk", name, source); err != nil {
		w.Fatalf("scan of %s: %v", name, err)
	}
	return w.newEvents()
}

// newEvents returns the events since the last call, in the order of acceptance.
func (w *fixture) newEvents() string {
	w.Helper()
	all := w.events()
	var out []string
	for _, e := range all[w.seen:] {
		out = append(out, fmt.Sprintf("%s %s", strings.TrimPrefix(e.Type, "helpdesk."), e.Record))
	}
	w.seen = len(all)
	return strings.Join(out, ", ")
}

// events are all that were stored, the oldest first.
func (w *fixture) events() []journal.Event {
	w.Helper()
	all, err := w.store.Events(w.Context(), journal.EventQuery{Limit: 10_000})
	w.must(err)
	slices.Reverse(all)
	return all
}

func (w *fixture) want(what, found, expected string) {
	w.Helper()
	if found != expected {
		w.Errorf("%s: found %q, expected %q", what, found, expected)
	}
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) count(words string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.all {
		if strings.Contains(line, words) {
			n++
		}
	}
	return n
}

// vendor is the server of the test app.
type vendor struct {
	now func() time.Time

	mu      sync.Mutex
	cards   []object
	lagging []object // listed instead of cards, where not nil
	notes   []object
	boards  map[string][]object
	log     []object
	files   []object
	lost    bool // tokens of files are too old
	byID    bool // cards are listed by id, not by the time of their change
	size    int  // of the pages of lists with a cursor
	asked   []string
	arrived *sync.Cond
	answer  func(path string, n int) (status int, header http.Header) // instead of a list; 0: the list
}

type object = map[string]any

func newVendor(now func() time.Time) *vendor {
	v := &vendor{now: now, boards: map[string][]object{}, size: 2}
	v.arrived = sync.NewCond(&v.mu)
	return v
}

// await waits for the nth request.
func (v *vendor) await(n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for len(v.asked) < n {
		v.arrived.Wait()
	}
}

// do changes the vendor's data.
func (v *vendor) do(f func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	f()
}

// card creates or changes a card now.
func (v *vendor) card(id string, fields object) object {
	v.mu.Lock()
	defer v.mu.Unlock()
	stamp := v.now().UTC().Format("2006-01-02T15:04:05.000Z")
	at := slices.IndexFunc(v.cards, func(o object) bool { return o["id"] == id })
	if at < 0 {
		v.cards = append(v.cards, object{"id": id, "created": stamp})
		at = len(v.cards) - 1
	}
	changed := object{}
	for k, v := range v.cards[at] {
		changed[k] = v
	}
	for k, v := range fields {
		changed[k] = v
	}
	changed["updated"] = stamp
	v.cards[at] = changed
	return changed
}

func (v *vendor) requests() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.asked)
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, r.URL.String())
	v.arrived.Broadcast()
	w.Header().Set("Content-Type", "application/json")
	if v.answer != nil {
		if status, header := v.answer(r.URL.Path, len(v.asked)); status != 0 {
			for name, values := range header {
				w.Header()[name] = values
			}
			w.WriteHeader(status)
			fmt.Fprint(w, `{"error":"no"}`)
			return
		}
	}
	q := r.URL.Query()
	switch path := r.URL.Path; {
	case path == "/cards":
		v.writeCards(w, q.Get("since"), q.Get("page"), q.Get("size"))
	case path == "/notes":
		v.writeAfter(w, "notes", v.notes, q.Get("after"), nil)
	case path == "/boards":
		boards := []object{}
		for id := range v.boards {
			boards = append(boards, object{"id": id, "name": "Board " + id})
		}
		write(w, object{"boards": boards})
	case strings.HasPrefix(path, "/boards/"):
		v.writeAfter(w, "stickers", v.boards[strings.Split(path, "/")[2]], q.Get("after"), nil)
	case path == "/log":
		v.writeLog(w, q.Get("token"))
	case path == "/files":
		v.writeFiles(w, q.Get("token"), q.Get("since"), q.Get("after"))
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// writeCards lists what changed since a time, the newest change first.
func (v *vendor) writeCards(w http.ResponseWriter, since, page, size string) {
	all := v.cards
	if v.lagging != nil {
		all = v.lagging
	}
	var found []object
	for _, c := range all {
		if c["updated"].(string) >= since {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b object) int {
		if v.byID {
			return strings.Compare(a["id"].(string), b["id"].(string))
		}
		return strings.Compare(b["updated"].(string), a["updated"].(string))
	})
	n, _ := strconv.Atoi(page)
	s, _ := strconv.Atoi(size)
	from := min(max(n-1, 0)*s, len(found))
	write(w, object{"cards": append([]object{}, found[from:min(from+s, len(found))]...)})
}

func (v *vendor) writeAfter(w http.ResponseWriter, name string, all []object, after string, more object) {
	from, _ := strconv.Atoi(after)
	from = min(from, len(all))
	to := min(from+v.size, len(all))
	out := object{name: append([]object{}, all[from:to]...)}
	if to < len(all) {
		out["next"] = strconv.Itoa(to)
	} else {
		for k, v := range more {
			out[k] = v
		}
	}
	write(w, out)
}

// writeLog lists what was added after a token; it requires one.
func (v *vendor) writeLog(w http.ResponseWriter, token string) {
	from, err := strconv.Atoi(token)
	if err != nil || from > len(v.log) {
		w.WriteHeader(412)
		write(w, object{"token": strconv.Itoa(len(v.log))})
		return
	}
	to := min(from+v.size, len(v.log))
	write(w, object{"entries": append([]object{}, v.log[from:to]...), "token": strconv.Itoa(to), "more": to < len(v.log)})
}

// writeFiles lists all files, or their changes since a token.
func (v *vendor) writeFiles(w http.ResponseWriter, token, since, after string) {
	if token != "" && v.lost {
		w.WriteHeader(410)
		write(w, object{"error": "too old"})
		return
	}
	if token != "" && since != "" {
		w.WriteHeader(400)
		write(w, object{"error": "since may not be beside token"})
		return
	}
	from, _ := strconv.Atoi(token)
	last := map[string]object{}
	var order []string
	for _, f := range v.files[from:] {
		id := f["id"].(string)
		if last[id] == nil {
			order = append(order, id)
		}
		last[id] = f
	}
	var all []object
	for _, id := range order {
		if token != "" || last[id]["state"] != "gone" {
			all = append(all, last[id])
		}
	}
	v.writeAfter(w, "files", all, after, object{"sync": strconv.Itoa(len(v.files))})
}
