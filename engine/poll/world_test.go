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
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/poll"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The desk is an app with a list of each kind: cards are asked for by the time
// of their change, notes come whole, boards each have stickers, log is a feed
// and files have a token of the vendor's.
const catalogue = `operation cards.list {"id":"a","method":"GET","path":"/cards","in_query":["since: string","page: integer","size: integer"],"pages":{"items":"cards","page":"page","size_param":"size","size":2}}
operation notes.list {"id":"b","method":"GET","path":"/notes","in_query":["after: string"],"pages":{"items":"notes","cursors":{"after":"next"}}}
operation boards.list {"id":"c","method":"GET","path":"/boards","pages":{"items":"boards"}}
operation stickers.list {"id":"d","method":"GET","path":"/boards/{board}/stickers","in_path":["board!: string"],"in_query":["after: string"],"pages":{"items":"stickers","cursors":{"after":"next"}}}
operation log.list {"id":"e","method":"GET","path":"/log","in_query":["token: string"],"pages":{"items":"entries","cursors":{"token":"token"},"more":"more"}}
operation files.list {"id":"f","method":"GET","path":"/files","in_query":["token: string","since: string","after: string"],"pages":{"items":"files","cursors":{"after":"next"}}}
trigger desk.card.created {"vendor":"card.created","record":"id"}
trigger desk.card.updated {"vendor":"card.updated","record":"id"}
trigger desk.card.deleted {"vendor":"card.deleted","record":"id"}
trigger desk.card.moved {"vendor":"card.moved","record":"id"}
trigger desk.card.finished {"vendor":"card.finished","record":"id"}
trigger desk.note.created {"record":"id"}
trigger desk.note.updated {"record":"id"}
trigger desk.note.deleted {"record":"id"}
trigger desk.sticker.created {"record":"id"}
trigger desk.sticker.updated {"record":"id"}
trigger desk.sticker.deleted {"record":"id"}
trigger desk.entry.added {"vendor":"added","record":"id"}
trigger desk.file.created {"record":"id"}
trigger desk.file.updated {"record":"id"}
trigger desk.file.deleted {"record":"id"}
`

// cards are told by webhooks, but on connections with a key.
func cardPoll() bindings.Poll {
	return bindings.Poll{
		Name: "cards", List: bindings.Call{Operation: "cards.list", Args: map[string]any{"since": "{since}"}}, Overlap: time.Minute,
		Record: "id", Updated: "updated", Created: "created", Compare: []string{"title", "column", "tags"},
		OnCreated: "desk.card.created", OnUpdated: "desk.card.updated", OnDeleted: "desk.card.deleted",
		Facets: []bindings.Facet{
			{Trigger: "desk.card.moved", Compare: []string{"column"}},
			{Trigger: "desk.card.finished", Compare: []string{"done"}, When: map[string]string{"done": "true"}},
		},
		Every: 5 * time.Minute, FullEvery: 24 * time.Hour, Auths: []string{"key"}, Reconcile: true,
	}
}

func deskApp() *bindings.App {
	parsed, err := bindings.ParseCatalogue([]byte(catalogue))
	if err != nil {
		panic(err)
	}
	return &bindings.App{
		Name: "desk", Title: "Desk", BaseURL: "http://127.0.0.1", Catalogue: parsed,
		Auth: []bindings.Auth{
			{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"},
			{Name: "key", Fields: []string{"key"}, Header: "Authorization", Format: "Key {key}"},
		},
		Errors: bindings.Errors{Message: []string{"error"}},
		Polls: []bindings.Poll{
			cardPoll(),
			{
				Name: "notes", List: bindings.Call{Operation: "notes.list"}, Record: "id", Ignore: []string{"seen"},
				OnCreated: "desk.note.created", OnUpdated: "desk.note.updated", OnDeleted: "desk.note.deleted",
			},
			{
				Name: "stickers", ForEach: &bindings.ForEach{List: bindings.Call{Operation: "boards.list"}, ID: "id"},
				List:   bindings.Call{Operation: "stickers.list", Args: map[string]any{"board": "{of.id}"}},
				Record: "id", PerItem: true, Adds: map[string]string{"board": "name"},
				Data:      map[string]string{"id": "id", "sticker": ".", "text": "text.plain", "desk": "{account}"},
				OnCreated: "desk.sticker.created", OnUpdated: "desk.sticker.updated", OnDeleted: "desk.sticker.deleted",
			},
			{
				Name: "log", List: bindings.Call{Operation: "log.list"}, Record: "id",
				Sync: &bindings.Sync{Param: "token", Answer: "token", Expired: []int{412}, ExpiredAnswer: "token", Feed: true, Triggers: []string{"desk.entry.*"}},
			},
			{
				Name: "files", List: bindings.Call{Operation: "files.list", Args: map[string]any{"since": "2020-01-01"}},
				Record: "id", Updated: "updated", Created: "created", Series: "series",
				Sync: &bindings.Sync{Param: "token", Answer: "sync", Without: []string{"since"}, Expired: []int{410}, Complete: true,
					Deleted: map[string]string{"state": "gone"}},
				OnCreated: "desk.file.created", OnUpdated: "desk.file.updated", OnDeleted: "desk.file.deleted",
			},
		},
	}
}

// world is a poller on a desk, with a real journal and real HTTP. Its clock
// stands until a test lets it go on.
type world struct {
	testing.TB
	clock   *journaltest.Clock
	app     *bindings.App
	desk    *desk
	store   *sqlite.Store
	scripts *script.Set
	set     *connection.Set
	calls   *call.Client
	poller  *poll.Poller
	folder  string
	setting connection.Settings
	others  []connection.Settings // further connections
	reader  func(*connection.Connection, json.RawMessage) (journal.Event, bool)
	log     *lines
	heard   int // events that told gave
	closed  bool

	mu     sync.Mutex
	fail   func(n int) error // of the nth sweep, from 1, before it is kept
	sweeps int
	dies   int                            // the sweep after which nothing is heard any more
	sleeps map[<-chan time.Time]time.Time // until when somebody waits
	slept  *sync.Cond
}

// everything takes all triggers of the desk.
const everything = `on("desk.*.*", { lane = false }, function(event) end)`

func newWorld(t testing.TB, source string, change ...func(*world)) *world {
	t.Helper()
	w := &world{TB: t, clock: journaltest.NewClock(), app: deskApp(), folder: journaltest.Folder(t), log: &lines{},
		sleeps: map[<-chan time.Time]time.Time{}}
	w.slept, w.reader = sync.NewCond(&w.mu), w.read
	w.desk = newDesk(w.clock.Now)
	server := httptest.NewServer(w.desk)
	t.Cleanup(server.Close)
	w.setting = connection.Settings{Name: "desk", Account: "acc", BaseURL: server.URL, Credentials: map[string]string{"key": "sandbox-key"}}
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

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) script(source string) {
	w.must(os.WriteFile(filepath.Join(w.folder, "scripts", "main.lua"), []byte(source), 0o600))
}

// open starts on what the folder keeps.
func (w *world) open() {
	w.Helper()
	ctx := context.Background()
	var err error
	w.store, err = sqlite.Open(ctx, sqlite.Config{Path: filepath.Join(w.folder, "tidewire.db"), Now: w.clock.Now, Timer: w.clock.Timer})
	w.must(err)
	w.set, err = connection.New(connection.Config{Apps: []*bindings.App{w.app}, Settings: append([]connection.Settings{w.setting}, w.others...), Folder: w.folder, Now: w.clock.Now})
	w.must(err)
	w.calls = call.New(call.Config{Connections: w.set, Now: w.clock.Now, MaxWait: -1, MaxSendings: 1})
	w.scripts, err = script.Open(ctx, script.Config{Dir: filepath.Join(w.folder, "scripts"), Machine: vm.New(vm.Config{Apps: []*bindings.App{w.app}}),
		Apps: []*bindings.App{w.app}, SaveVersions: w.store.PutVersions, CountRuns: w.store.Live, Clock: w.clock})
	w.must(err)
	for _, p := range w.scripts.Problems() {
		w.Fatal(p.Error())
	}
	w.poller = poll.New(poll.Config{
		Connections: w.set.All, Calls: w.calls, Store: w.store, Generation: w.scripts.Generation, Accept: w.accept, Read: w.reader,
		Now: w.clock.Now, Timer: w.timer, Random: func() float64 { return 0.5 }, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	})
}

// timer is the clock's, and knows who waits.
func (w *world) timer(d time.Duration) (<-chan time.Time, func()) {
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

// run has the poller work until the test ends.
func (w *world) run() {
	ctx, stop := context.WithCancel(w.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.poller.Run(ctx) }()
	w.Cleanup(func() {
		stop()
		w.must(<-ended)
	})
	w.settle()
}

// settle waits until nothing is to be done before the clock goes on: the
// poller and its worker both wait for it.
func (w *world) settle() {
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

// pass lets time pass in small steps.
func (w *world) pass(d time.Duration) {
	const step = 5 * time.Second
	for ; d > 0; d -= step {
		w.clock.Pass(min(d, step))
		w.settle()
	}
}

func (w *world) close() {
	w.calls.Close()
	w.set.Close()
	w.must(w.store.Close())
}

// again is what a crash leaves, and a new start.
func (w *world) again() {
	w.Helper()
	w.close()
	w.open()
}

func (w *world) arrival(e journal.Event) journal.Arrival {
	g := w.scripts.Generation()
	return journal.Arrival{Event: e, Hooks: g.Match(e.Type, e.Connection), StoreUnmatched: g.Awaited(e.Type, e.Connection), Fingerprint: w.poller.Fingerprint(&e)}
}

func (w *world) accept(ctx context.Context, sweep journal.PollPage, events ...journal.Event) ([]journal.Receipt, error) {
	w.mu.Lock()
	w.sweeps++
	n, fail := w.sweeps, w.fail
	w.mu.Unlock()
	if fail != nil {
		if err := fail(n); err != nil {
			return nil, err
		}
	}
	for _, e := range events {
		sweep.Arrivals = append(sweep.Arrivals, w.arrival(e))
	}
	receipts, err := w.store.AcceptPage(ctx, sweep)
	if w.dies != 0 && n >= w.dies {
		return nil, errors.New("the machine dies")
	}
	return receipts, err
}

func (w *world) read(c *connection.Connection, item json.RawMessage) (journal.Event, bool) {
	if jsonpath.Text(item, "type") != "added" {
		return journal.Event{}, false
	}
	return journal.Event{ID: c.Name() + ":" + jsonpath.Text(item, "event"), Type: "desk.entry.added", Connection: c.Name(), Data: item, Record: jsonpath.Text(item, "id")}, true
}

// push is a webhook about a card.
func (w *world) push(id, trigger string, at time.Time, data string) journal.Receipt {
	w.Helper()
	receipts, err := w.store.Accept(w.Context(), w.arrival(journal.Event{
		ID: "desk:" + id, Type: "desk.card." + trigger, Connection: "desk", Account: "acc", Time: at, Data: json.RawMessage(data),
		Source: journal.Webhook, Record: jsonpath.Text([]byte(data), "id"),
	}))
	w.must(err)
	return receipts[0]
}

// look looks once and gives what was told since the last time.
func (w *world) look(name string) string {
	w.Helper()
	return w.lookFor(name, journal.Poll)
}

func (w *world) lookFor(name string, source journal.Source) string {
	w.Helper()
	if _, err := w.poller.Look(w.Context(), "desk", name, source); err != nil {
		w.Fatalf("look at %s: %v", name, err)
	}
	return w.told()
}

// told is the events since the last time, in the order of their acceptance.
func (w *world) told() string {
	w.Helper()
	all := w.events()
	var out []string
	for _, e := range all[w.heard:] {
		out = append(out, fmt.Sprintf("%s %s", strings.TrimPrefix(e.Type, "desk."), e.Record))
	}
	w.heard = len(all)
	return strings.Join(out, ", ")
}

// events are all that were kept, the oldest first.
func (w *world) events() []journal.Event {
	w.Helper()
	all, err := w.store.Events(w.Context(), journal.EventQuery{Limit: 10_000})
	w.must(err)
	slices.Reverse(all)
	return all
}

func (w *world) want(what, found, expected string) {
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

// desk is the vendor.
type desk struct {
	now func() time.Time

	mu      sync.Mutex
	cards   []object
	lagging []object // shown instead of cards, where not nil
	notes   []object
	boards  map[string][]object
	log     []object
	files   []object
	lost    bool // tokens of files are too old
	byID    bool // cards are listed by id, not by the time of their change
	asked   []string
	heard   *sync.Cond
	answer  func(path string, n int) (status int, header http.Header) // instead of a list; 0: the list
}

type object = map[string]any

func newDesk(now func() time.Time) *desk {
	d := &desk{now: now, boards: map[string][]object{}}
	d.heard = sync.NewCond(&d.mu)
	return d
}

// await waits until so many requests came.
func (d *desk) await(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.asked) < n {
		d.heard.Wait()
	}
}

// do changes the desk.
func (d *desk) do(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

// card makes or changes a card now.
func (d *desk) card(id string, fields object) object {
	d.mu.Lock()
	defer d.mu.Unlock()
	stamp := d.now().UTC().Format("2006-01-02T15:04:05.000Z")
	at := slices.IndexFunc(d.cards, func(o object) bool { return o["id"] == id })
	if at < 0 {
		d.cards = append(d.cards, object{"id": id, "created": stamp})
		at = len(d.cards) - 1
	}
	changed := object{}
	for k, v := range d.cards[at] {
		changed[k] = v
	}
	for k, v := range fields {
		changed[k] = v
	}
	changed["updated"] = stamp
	d.cards[at] = changed
	return changed
}

func (d *desk) requests() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked)
}

func (d *desk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, r.URL.String())
	d.heard.Broadcast()
	w.Header().Set("Content-Type", "application/json")
	if d.answer != nil {
		if status, header := d.answer(r.URL.Path, len(d.asked)); status != 0 {
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
		d.writeCards(w, q.Get("since"), q.Get("page"), q.Get("size"))
	case path == "/notes":
		d.writeAfter(w, "notes", d.notes, q.Get("after"), nil)
	case path == "/boards":
		boards := []object{}
		for id := range d.boards {
			boards = append(boards, object{"id": id, "name": "Board " + id})
		}
		write(w, object{"boards": boards})
	case strings.HasPrefix(path, "/boards/"):
		d.writeAfter(w, "stickers", d.boards[strings.Split(path, "/")[2]], q.Get("after"), nil)
	case path == "/log":
		d.writeLog(w, q.Get("token"))
	case path == "/files":
		d.writeFiles(w, q.Get("token"), q.Get("since"), q.Get("after"))
	default:
		http.NotFound(w, r)
	}
}

func write(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }

// writeCards lists what changed since a time, the newest change first.
func (d *desk) writeCards(w http.ResponseWriter, since, page, size string) {
	all := d.cards
	if d.lagging != nil {
		all = d.lagging
	}
	var found []object
	for _, c := range all {
		if c["updated"].(string) >= since {
			found = append(found, c)
		}
	}
	slices.SortStableFunc(found, func(a, b object) int {
		if d.byID {
			return strings.Compare(a["id"].(string), b["id"].(string))
		}
		return strings.Compare(b["updated"].(string), a["updated"].(string))
	})
	n, _ := strconv.Atoi(page)
	s, _ := strconv.Atoi(size)
	from := min(max(n-1, 0)*s, len(found))
	write(w, object{"cards": append([]object{}, found[from:min(from+s, len(found))]...)})
}

// pageSize is that of lists with a cursor.
const pageSize = 2

func (d *desk) writeAfter(w http.ResponseWriter, name string, all []object, after string, more object) {
	from, _ := strconv.Atoi(after)
	from = min(from, len(all))
	to := min(from+pageSize, len(all))
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

// writeLog tells what was added behind a token, and refuses to begin without.
func (d *desk) writeLog(w http.ResponseWriter, token string) {
	from, err := strconv.Atoi(token)
	if err != nil || from > len(d.log) {
		w.WriteHeader(412)
		write(w, object{"token": strconv.Itoa(len(d.log))})
		return
	}
	to := min(from+pageSize, len(d.log))
	write(w, object{"entries": append([]object{}, d.log[from:to]...), "token": strconv.Itoa(to), "more": to < len(d.log)})
}

// writeFiles lists all files, or what happened to them behind a token.
func (d *desk) writeFiles(w http.ResponseWriter, token, since, after string) {
	if token != "" && d.lost {
		w.WriteHeader(410)
		write(w, object{"error": "too old"})
		return
	}
	if token != "" && since != "" {
		w.WriteHeader(400)
		write(w, object{"error": "since may not stand beside token"})
		return
	}
	from, _ := strconv.Atoi(token)
	last := map[string]object{}
	var order []string
	for _, f := range d.files[from:] {
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
	d.writeAfter(w, "files", all, after, object{"sync": strconv.Itoa(len(d.files))})
}
