package engine_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/doctor"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
)

// doctorFixture is an engine with a clock that a test sets, and a shop whose
// answers the test sets.
type doctorFixture struct {
	t       *testing.T
	config  engine.Config
	engine  *engine.Engine
	offset  atomic.Int64 // to the machine's clock
	answers atomic.Pointer[http.HandlerFunc]
	log     *logBuffer
	stop    func()
}

func newDoctorFixture(t *testing.T, source string) *doctorFixture {
	t.Helper()
	f := &doctorFixture{t: t, log: newLogBuffer()}
	f.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*f.answers.Load())(w, r) }))
	t.Cleanup(shop.Close)
	dir := journaltest.Folder(t)
	f.config = atShop(shop.URL)
	f.config.Scripts, f.config.Data = filepath.Join(dir, "scripts"), filepath.Join(dir, "data")
	f.config.Log = slog.New(slog.NewJSONHandler(f.log, nil))
	f.config.Clock = shiftedClock{clock.System, func() time.Duration { return time.Duration(f.offset.Load()) }}
	must(t, os.Mkdir(f.config.Scripts, 0o755))
	must(t, os.WriteFile(filepath.Join(f.config.Scripts, "orders.lua"), []byte(source), 0o644))
	f.start()
	t.Cleanup(func() { f.stop() })
	return f
}

func (f *doctorFixture) answer(handler http.HandlerFunc) { f.answers.Store(&handler) }

func (f *doctorFixture) start() {
	f.t.Helper()
	var err error
	f.engine, err = engine.New(f.t.Context(), f.config)
	must(f.t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.engine.Run(ctx) }()
	<-f.engine.Ready()
	f.stop = func() {
		stop()
		must(f.t, <-ended)
		f.stop = func() {}
	}
}

// sendAndAwait sends an order and waits until its run is parked or has ended.
func (f *doctorFixture) sendAndAwait(id string, trigger ...string) string {
	f.t.Helper()
	from := f.log.length()
	run := f.sendQueued(id, trigger...)
	f.log.await(f.t, from, `"run (parked|succeeded|failed)","run":"`+run)
	return run
}

// sendQueued sends an order whose run waits in its lane.
func (f *doctorFixture) sendQueued(id string, trigger ...string) string {
	f.t.Helper()
	client, err := control.Dial(f.config.Data)
	must(f.t, err)
	defer client.Close()
	sent, err := client.Send(f.t.Context(), control.Message{ID: id, Type: append(trigger, "shop.order.created")[0], Data: []byte(`{"customer":"c1"}`)})
	must(f.t, err)
	return sent.Runs[0]
}

func (f *doctorFixture) found() []control.Finding {
	f.t.Helper()
	found, err := f.engine.Doctor(f.t.Context())
	must(f.t, err)
	return found
}

// expectFinding expects one finding of a kind about a run.
func (f *doctorFixture) expectFinding(kind, run string, parts ...string) {
	f.t.Helper()
	for _, one := range f.found() {
		if one.Kind != kind || one.Run != run {
			continue
		}
		for _, part := range parts {
			if text := one.Text + " | " + one.Do; !strings.Contains(text, part) {
				f.t.Errorf("found %q, expected it to have %q", text, part)
			}
		}
		f.t.Log(one.Kind, "|", one.Text, "|", one.Do)
		return
	}
	f.t.Errorf("found %+v, expected one of kind %s about %s", f.found(), kind, run)
}

// changeJournal changes the file of an engine that is stopped.
func (f *doctorFixture) changeJournal(query string) {
	f.t.Helper()
	db, err := sql.Open("sqlite", engine.StorePath(f.config.Data))
	must(f.t, err)
	_, err = db.Exec(query)
	must(f.t, err)
	must(f.t, db.Close())
}

func (f *doctorFixture) expectNoFinding() {
	f.t.Helper()
	if found := f.found(); len(found) > 0 {
		f.t.Errorf("found %+v, expected nothing", found)
	}
}

const pays = `local shop = require "shop"
on({ "shop.order.created", "emit:pay" }, { name = "pay" }, function() shop.orders.pay { tag = "t" } end)`

const waits = `on("shop.order.created", function() wait_for "shop.order.confirmed" end)`

func TestDoctorFindsScriptsThatDoNotLoad(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, waits)
	f.expectNoFinding()
	file, from := filepath.Join(f.config.Scripts, "orders.lua"), f.log.length()
	must(t, os.WriteFile(file, []byte(waits+" end"), 0o644))
	f.log.await(t, from, `"script not loaded`)
	f.expectFinding("script", "", "orders was not loaded, its last version stays live: orders.lua:1: ", "fix the script and save it")
	f.stop()
	f.start()
	f.expectFinding("script", "", "orders was not loaded, its last version stays live: orders.lua:1: ")
	from = f.log.length()
	must(t, os.WriteFile(file, []byte(waits), 0o644))
	f.log.await(t, from, `"script is right again`)
	f.expectNoFinding()
}

func TestDoctorFindsUncertainRunsAndLongLanes(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, pays)
	f.expectNoFinding()
	f.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	uncertain := f.sendAndAwait("1")
	f.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	f.expectFinding("held", uncertain, "whether it was done is not known", "tidewire runs decide "+uncertain+" retry|skip|fail")
	if n := len(f.found()); n != 1 {
		t.Errorf("%d findings", n)
	}
	queuedRun := f.sendQueued("2")
	f.offset.Add(int64(59 * time.Minute))
	if n := len(f.found()); n != 1 {
		t.Errorf("%d findings before the hour is over", n)
	}
	f.offset.Add(int64(2 * time.Minute))
	f.expectFinding("lane", uncertain, "it is held, and in its lane of orders pay 1 run waits behind it", "tidewire runs show "+uncertain)
	from := f.log.length()
	must(t, f.engine.DecideCall(t.Context(), uncertain, journal.CallDecision{Resolution: journal.Skip}))
	f.log.await(t, from, `"run succeeded","run":"`+queuedRun)
	f.expectNoFinding()
}

// TestDoctorHasOneFindingForACause: many runs that need the same decision are one line.
func TestDoctorHasOneFindingForACause(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, `local shop = require "shop"
on("shop.order.created", { lane = false }, function() shop.orders.pay { tag = "t" } end)`)
	f.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }) // opens no circuit
	for i := range 20 {
		f.sendAndAwait(fmt.Sprint(i))
	}
	found := f.found()
	if len(found) != 1 {
		t.Fatalf("%d findings for one cause: %+v", len(found), found)
	}
	f.expectFinding("held", found[0].Run, "20 runs of orders, such as this one: orders.lua:2: shop.orders.pay: ",
		"tidewire runs decide --script orders --operation shop.orders.pay retry|skip|fail, which lists them first")
	if found[0].Runs != 20 {
		t.Errorf("the finding is about %d runs", found[0].Runs)
	}
	f.stop() // also without an engine
	f.start()
	if again := f.found(); len(again) != 1 || again[0].Text != found[0].Text {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestDoctorFindsRunsBlockedByConnection(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, pays)
	right := f.config.Connections
	f.stop()
	f.config.Connections = nil
	f.start()
	blocked := f.sendAndAwait("1", "emit:pay")
	f.expectFinding("blocked", blocked, "no connection to shop is configured", "tidewire runs retry "+blocked)
	f.stop()
	f.changeJournal(`UPDATE version SET format = 1`)
	f.start()
	f.expectFinding("format", blocked, "it began under replay format 1", "tidewire runs migrate "+blocked)
	f.stop()
	f.config.Connections = right
	from := f.log.length()
	f.start()
	f.log.await(t, from, `"run succeeded","run":"`+blocked)
	f.expectNoFinding()
}

// A look-up whose connection is removed is found, and goes on at once when the
// connection is there again.
func TestDoctorFindsLookupsWithoutConnection(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, `local shop = require "shop"
on("emit:pay", function() shop.notes.write { tag = "t", ref = "own" } end)`)
	f.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	pending := f.sendAndAwait("1", "emit:pay")
	f.expectNoFinding()
	right := f.config.Connections
	f.stop()
	f.config.Connections = nil
	f.offset.Add(int64(10 * time.Second))
	from := f.log.length()
	f.start()
	f.log.await(t, from, `"run parked","run":"`+pending)
	f.expectFinding("held", pending, "look-up pending: ", `there is no connection "shop" to shop`, "tidewire connect shop, and the look-up goes on", "tidewire runs decide "+pending+" retry|skip|fail")
	f.stop()
	f.config.Connections = right
	f.answer(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"notes":[{"tag":"t"},{"tag":"t"}]}`) })
	from = f.log.length()
	f.start()
	f.log.await(t, from, `"run parked","run":"`+pending)
	f.expectFinding("held", pending, "a look-up found 2 records that may be the call's")
}

// Look-ups that ended for different reasons are different findings.
func TestDoctorHasOneFindingForAReasonOfLookups(t *testing.T) {
	store := undecidedRuns{
		lookedUp("run_1", "a look-up found one record that may be the call's, or another's that is equal"),
		lookedUp("run_2", "a look-up found 2 records that may be the call's"),
		lookedUp("run_3", "a look-up found 13 records that may be the call's"),
		lookedUp("run_4", "the look-up failed: shop.notes.list: it answered 403 Forbidden (forbidden)"),
		lookedUp("run_5", "the look-up failed: shop.notes.list: it answered 500 (unavailable)"),
		lookedUp("run_6", ""),
	}
	found, err := doctor.Examine(t.Context(), doctor.Engine{Store: store, Clock: clock.System})
	must(t, err)
	var counts []int
	for _, one := range found {
		counts = append(counts, one.Runs)
	}
	if want := []int{1, 2, 2, 1}; !slices.Equal(counts, want) {
		t.Errorf("the findings have %v runs, want %v: %+v", counts, want, found)
	}
}

// lookedUp is a run that is held after a look-up, with why; empty: there was none.
func lookedUp(id, why string) journal.Run {
	e := &bindings.Error{Kind: bindings.Uncertain, App: "shop", Operation: "notes.write", Message: "no answer"}
	message := e.Error()
	if why != "" {
		message += "; " + why
	}
	return journal.Run{ID: id, Script: "orders", State: journal.Held, Park: &journal.Parked{}, Problem: &journal.Problem{Message: message, App: e}}
}

// undecidedRuns is a store with held runs alone.
type undecidedRuns []journal.Run

func (h undecidedRuns) Runs(_ context.Context, q journal.RunQuery) ([]journal.Run, error) {
	if q.State == journal.Held {
		return h, nil
	}
	return nil, nil
}

func (undecidedRuns) Lanes(context.Context) ([]journal.LaneStatus, error) { return nil, nil }
func (undecidedRuns) Floods(context.Context) ([]journal.Flood, error)     { return nil, nil }
func (undecidedRuns) Pending(context.Context) (journal.Pending, error)    { return journal.Pending{}, nil }
func (undecidedRuns) Version(context.Context, string) (journal.Version, error) {
	return journal.Version{}, nil
}

// An engine whose socket was removed runs, and does not hang.
func TestDoctorFindsEngineWithoutSocket(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, pays)
	socket, err := control.SocketPath(f.config.Data)
	must(t, err)
	must(t, os.Remove(socket))
	found, reader := doctor.Folder{Data: f.config.Data, Journal: engine.StorePath(f.config.Data), Clock: clock.System}.Examine(t.Context())
	must(t, reader.Close())
	if len(found) != 1 || !strings.Contains(found[0].Text, "takes no commands: its socket "+socket+" was removed") || !strings.Contains(found[0].Do, "start it again, which makes the socket") {
		t.Errorf("found %+v", found)
	}
}

// A run whose look-up reads at this moment is shown as held, and a decision is refused
// with when to try again.
func TestDecideWhileALookupReads(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, `local shop = require "shop"
on("emit:pay", function() shop.notes.write { tag = "t", ref = "own" } end)`)
	f.answer(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	pending := f.sendAndAwait("1", "emit:pay")
	f.stop()
	f.offset.Add(int64(10 * time.Second))
	reads, goOn := make(chan struct{}), make(chan struct{})
	f.answer(func(w http.ResponseWriter, _ *http.Request) {
		close(reads)
		<-goOn
		fmt.Fprint(w, `{"notes":[{"tag":"t"}]}`)
	})
	from := f.log.length()
	f.start()
	<-reads
	client, err := control.Dial(f.config.Data)
	must(t, err)
	defer client.Close()
	run, _, err := client.Run(t.Context(), pending)
	must(t, err)
	if run.State != journal.Held || run.Park == nil || run.Park.Until.IsZero() {
		t.Errorf("the run is %s, %+v", run.State, run.Park)
	}
	err = client.DecideCall(t.Context(), pending, journal.CallDecision{Resolution: journal.Fail})
	if err == nil || !strings.Contains(err.Error(), "its call is being looked up at this moment; try again in a few seconds") {
		t.Errorf("the decision: %v", err)
	}
	close(goOn)
	f.log.await(t, from, `"run parked","run":"`+pending)
	must(t, client.DecideCall(t.Context(), pending, journal.CallDecision{Resolution: journal.Fail}))
}

func TestDoctorFindsWaitsThatCannotEnd(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, waits)
	waiting := f.sendAndAwait("1")
	f.expectNoFinding()
	right := f.config.Connections
	f.stop()
	f.config.Connections = []connection.Settings{right[0]}
	f.config.Connections[0].Name = "shop/new"
	f.start()
	f.expectFinding("wait", waiting, `it waits for shop.order.confirmed, and there is no connection "shop" to send it`, "tidewire runs cancel "+waiting)
	must(t, f.engine.Cancel(t.Context(), waiting))
	f.expectNoFinding()
}

func TestDoctorFindsVersionsThatCannotBeLoaded(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, waits)
	waiting := f.sendAndAwait("1")
	f.stop()
	f.changeJournal(`UPDATE version SET sources = NULL`)
	// The present script is another version, to which the run can migrate.
	must(t, os.WriteFile(filepath.Join(f.config.Scripts, "orders.lua"), []byte(waits+"\n"), 0o644))
	f.start()
	f.expectFinding("version", waiting, "its version cannot be loaded", "tidewire runs migrate "+waiting)
	must(t, f.engine.Migrate(t.Context(), waiting))
	f.expectNoFinding()
}

func TestDoctorFindsRunsThatARateLimitDelaysOrEnds(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, `local shop = require "shop"
on("shop.order.created", { name = "wait" }, function() shop.orders.pay { tag = "t" } end)
on("emit:pay", { name = "once", retry = { attempts = 1 } }, function() shop.orders.pay { tag = "t" } end)`)
	f.answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	failed := f.sendAndAwait("1", "emit:pay")
	f.expectFinding("limited", failed, "it failed within the last day because of a rate limit of shop: ", "429", "tidewire runs retry "+failed)
	throttled := f.sendAndAwait("2")
	if n := len(f.found()); n != 1 {
		t.Errorf("%d findings at once", n)
	}
	f.offset.Add(int64(11 * time.Minute))
	f.expectFinding("throttled", throttled, "a rate limit of shop delays it, and it was made more than 10m0s ago: ", "accepts no request for")
	f.offset.Add(int64(24 * time.Hour))
	for _, one := range f.found() {
		if one.Kind == "limited" {
			t.Errorf("a day later: %+v", one)
		}
	}
}

// A host that does not answer is one finding, and in the status, however many runs
// wait for it.
func TestDoctorFindsHostsThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	f := newDoctorFixture(t, `local shop = require "shop"
on("shop.order.created", { lane = false, on_uncertain = "raise" }, function() shop.orders.pay { tag = "t" } end)`)
	f.answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for i := range 7 {
		f.sendAndAwait(fmt.Sprint(i))
	}
	host := strings.TrimPrefix(f.config.Connections[0].BaseURL, "http://")
	f.expectFinding("circuit", "", "shop at "+host+" failed 5 times in a row, the last time with: it answered 503", "next call is tried at ", "go on by themselves")
	if n := len(f.found()); n != 1 {
		t.Errorf("%d findings, expected one: %+v", n, f.found())
	}
	client, err := control.Dial(f.config.Data)
	must(t, err)
	defer client.Close()
	status, err := client.Status(t.Context())
	must(t, err)
	if len(status.Circuits) != 1 || status.Circuits[0].Host != host || status.Circuits[0].Failures != 5 || status.Circuits[0].Reason != "it answered 503" {
		t.Errorf("the status has %+v", status.Circuits)
	}
	throttled, err := client.Runs(t.Context(), journal.RunQuery{State: journal.Throttled})
	must(t, err)
	if len(throttled) != 2 || !strings.Contains(throttled[0].Problem.Text(), "failed 5 times in a row") {
		t.Errorf("throttled runs: %+v", throttled)
	}
}
