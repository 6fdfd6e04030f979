package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
	"github.com/tidewire/tidewire/engine/run"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout is how long a test waits for an expected change, on the slowest machine.
var timeout = clocktest.MaxWait

const hour = time.Hour

// fixture is a folder with scripts and a journal, and a runner for it that can be
// started again.
type fixture struct {
	testing.TB
	*clock.Manual
	vendor *vendor
	folder string
	apps   []*bindings.App
	log    *logBuffer

	// The configuration of the next start.
	connections []connection.Settings
	accounts    map[string][]string
	zone        *time.Location
	killAt      int
	killBefore  bool
	writeError  func(write int) error
	secrets     map[string]string
	grace       time.Duration
	maxInFlight int

	store   *failingStore
	file    *sqlite.Store
	scripts *script.Set
	runner  *run.Runner
	client  *call.Client
	stop    context.CancelFunc
	ended   chan error
	sent    int
}

// newFixture writes the scripts, by name, and starts.
func newFixture(t testing.TB, scripts map[string]string, changes ...func(*fixture)) *fixture {
	t.Helper()
	w := &fixture{
		grace: timeout, TB: t, Manual: clock.NewManual(time.Now().Round(0)), vendor: newVendor(t), folder: journaltest.Folder(t), log: &logBuffer{},
		apps: []*bindings.App{app(t, "shop"), app(t, "bank")},
	}
	w.connections = w.settings("shop", "bank")
	must(t, os.Mkdir(filepath.Join(w.folder, "scripts"), 0o700))
	for name, text := range scripts {
		w.write(name, text)
	}
	for _, change := range changes {
		change(w)
	}
	w.start()
	t.Cleanup(w.end)
	return w
}

// settings returns connections of these names, each with a token of its own.
func (w *fixture) settings(names ...string) (all []connection.Settings) {
	for _, name := range names {
		all = append(all, connection.Settings{Name: name, Account: "account of " + name, BaseURL: w.vendor.URL,
			Credentials: map[string]string{"token": "token-of-" + name}})
	}
	return all
}

func (w *fixture) write(name, text string) {
	w.Helper()
	must(w.TB, os.WriteFile(filepath.Join(w.folder, "scripts", name+".lua"), []byte(text), 0o600))
}

// edit changes a script and loads it.
func (w *fixture) edit(name, text string) {
	w.Helper()
	w.write(name, text)
	w.reload()
}

// remove deletes a script and reloads.
func (w *fixture) remove(name string) {
	w.Helper()
	must(w.TB, os.Remove(filepath.Join(w.folder, "scripts", name+".lua")))
	w.reload()
}

func (w *fixture) reload() {
	w.Helper()
	report, err := w.scripts.Reload(w.Context())
	must(w.TB, err)
	for _, p := range report.Problems {
		w.Fatalf("%+v", p)
	}
}

// start opens the journal and the scripts, and starts a runner.
func (w *fixture) start() {
	w.Helper()
	var err error
	w.file, err = sqlite.Open(w.Context(), sqlite.Config{Path: filepath.Join(w.folder, "tidewire.db"), Clock: w})
	must(w.TB, err)
	w.store = &failingStore{Store: w.file, at: w.killAt, before: w.killBefore, writeError: w.writeError,
		killed: make(chan struct{}), released: make(chan struct{}, 1), changed: make(chan struct{})}
	set, err := connection.New(connection.Config{Apps: w.apps, Settings: w.connections, Accounts: w.accounts, Folder: w.folder, Clock: w})
	must(w.TB, err)
	log := slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.client = call.New(call.Config{
		Log: log, Connections: set, Clock: clock.Instant{Clock: w.Manual}, MaxWait: 5 * time.Second, MaxSendings: 2, AllowPrivate: true,
	})
	machine := vm.New(vm.Config{Apps: w.apps})
	w.scripts, err = script.Open(w.Context(), script.Config{
		Dir: filepath.Join(w.folder, "scripts"), Machine: machine, Apps: w.apps, Zone: w.zone, Versions: w.file, CountRuns: w.file.Live,
		SettleTime: time.Nanosecond, Clock: w.Manual,
	})
	must(w.TB, err)
	for _, p := range w.scripts.Problems() {
		w.Fatalf("%+v", p)
	}
	old, err := w.file.LiveVersions(w.Context())
	must(w.TB, err)
	for _, hash := range old { // as the engine does
		version, err := w.file.Version(w.Context(), hash)
		must(w.TB, err)
		must(w.TB, w.scripts.PinAwaits(w.Context(), version))
	}
	counts, err := w.file.Counts(w.Context())
	must(w.TB, err)
	w.runner = run.New(run.Config{
		QueuedAtStart: counts[journal.Queued],
		Store:         w.store, Machine: machine, Scripts: w.scripts, Calls: w.client, Connections: set, Apps: w.apps, Zone: w.zone,
		Clock: w.Manual, Grace: w.grace, MaxInFlight: w.maxInFlight, Log: log,
		Secret: func(name string) (string, error) {
			if value, found := w.secrets[name]; found {
				return value, nil
			}
			return "", fmt.Errorf("there is no secret %q", name)
		},
		ApprovalLink: func(id string, _ time.Time) string { return "http://127.0.0.1/approvals/" + id },
	})
	ctx, stop := context.WithCancel(context.WithoutCancel(w.Context()))
	w.stop, w.ended = stop, make(chan error, 1)
	go func() { w.ended <- w.runner.Run(ctx) }()
}

// crash ends the runner as kill -9 does: only the journal remains.
func (w *fixture) crash() {
	w.Helper()
	w.store.kill()
	w.end()
}

// restart is a crash and a start after it.
func (w *fixture) restart() {
	w.Helper()
	w.crash()
	w.killAt = 0
	w.start()
}

func (w *fixture) end() {
	w.Helper()
	if w.stop == nil {
		return
	}
	w.stop()
	if err := <-w.ended; err != nil && !errors.Is(err, journal.ErrClosed) {
		w.Error(err)
	}
	w.client.Close()
	must(w.TB, w.file.Close())
	w.stop = nil
}

// send accepts an event of the app's default connection and returns its runs.
func (w *fixture) send(trigger, data string) []string {
	w.Helper()
	connection := bindings.TriggerName(trigger).App()
	return w.sendBy(connection, trigger, data)
}

func (w *fixture) sendBy(connection, trigger, data string) []string {
	w.Helper()
	w.sent++
	receipt, err := w.runner.Accept(w.Context(), journal.Event{
		ID: fmt.Sprintf("test:%d", w.sent), Type: trigger, Connection: connection, Account: "account of " + connection, Source: journal.Webhook,
		Data: json.RawMessage(data), Record: gjson.Get(data, "customer").String(),
	})
	must(w.TB, err)
	return receipt.Runs
}

// order sends the usual event, of one customer, and returns its run.
func (w *fixture) order() string {
	w.Helper()
	runs := w.send("shop.order.created", `{"id":"o1","customer":"c1","n":1}`)
	if len(runs) != 1 {
		w.Fatalf("the event made the runs %v", runs)
	}
	return runs[0]
}

func (w *fixture) run(id string) (journal.Run, []journal.Step) {
	w.Helper()
	one, steps, err := w.file.Run(w.Context(), id)
	must(w.TB, err)
	return one, steps
}

// until waits until a run is as wanted.
func (w *fixture) until(id string, wanted func(journal.Run) bool) journal.Run {
	w.Helper()
	late := time.After(timeout)
	for {
		changed := w.store.next()
		one, steps := w.run(id)
		if wanted(one) {
			return one
		}
		select {
		case <-changed:
		case <-w.store.killed:
			return one
		case <-late:
			w.Fatalf("the run stayed %s (%+v, %+v) with the steps %+v; the log:\n%s", one.State, one.Problem, one.Park, steps, w.log)
		}
	}
}

// is waits until a run is in a state.
func (w *fixture) is(id string, state journal.State) journal.Run {
	w.Helper()
	one := w.until(id, func(r journal.Run) bool { return r.State == state || r.State.Ended() })
	if one.State != state {
		w.Fatalf("the run is %s (%+v), expected %s; the log:\n%s", one.State, one.Problem, state, w.log)
	}
	return one
}

// logged returns the lines of the log with a text.
func (w *fixture) logged(text string) (all []map[string]any) {
	for line := range strings.Lines(w.log.String()) {
		var fields map[string]any
		must(w.TB, json.Unmarshal([]byte(line), &fields))
		if fields["msg"] == text {
			all = append(all, fields)
		}
	}
	return all
}

// logBuffer is a log in memory.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(line)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, found, expected T) {
	t.Helper()
	if found != expected {
		t.Errorf("%s: found %v, expected %v", what, found, expected)
	}
}

func contains(t testing.TB, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s: found %q, expected it to have %q", what, text, part)
		}
	}
}

func names(steps []journal.Step) (all []string) {
	for _, s := range steps {
		all = append(all, s.Name+" "+string(s.State))
	}
	return all
}

func sameNames(t testing.TB, steps []journal.Step, expected ...string) {
	t.Helper()
	if found := names(steps); !slices.Equal(found, expected) {
		t.Errorf("steps: found %q, expected %q", found, expected)
	}
}

// onlyRun returns the only run of the hook on new orders.
func (w *fixture) onlyRun() string {
	w.Helper()
	runs, err := w.file.Runs(w.Context(), journal.RunQuery{Hook: "shop.order.created"})
	must(w.TB, err)
	if len(runs) != 1 {
		w.Fatalf("there are %d runs", len(runs))
	}
	return runs[0].ID
}
