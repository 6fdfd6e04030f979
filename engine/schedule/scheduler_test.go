package schedule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/schedule"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock.Clock that the test controls. Its timers are sent on waits,
// so that a test can read how long the scheduler waits, and fire them.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	waits chan wait
}

type wait struct {
	length time.Duration
	fire   chan time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *clock) Timer(d time.Duration) (<-chan time.Time, func()) {
	w := wait{length: d, fire: make(chan time.Time, 1)}
	c.waits <- w
	return w.fire, func() {}
}

// bench is a running scheduler with a real scripts folder.
type bench struct {
	t       *testing.T
	dir     string
	set     *script.Set
	clock   *clock
	log     bytes.Buffer
	fired   chan journal.Arrival
	refuse  chan error // errors that Accept returns, each once
	last    map[string]time.Time
	waiting wait
}

func newBench(t *testing.T, start, source string) *bench {
	b := &bench{
		t: t, dir: t.TempDir(), last: map[string]time.Time{},
		clock: &clock{now: at(start), waits: make(chan wait)},
		fired: make(chan journal.Arrival, 100), refuse: make(chan error, 100),
	}
	b.write(source)
	var err error
	b.set, err = script.Open(t.Context(), script.Config{Dir: b.dir, Machine: vm.New(vm.Config{})})
	if err != nil {
		t.Fatal(err)
	}
	if p := b.set.Problems(); len(p) > 0 {
		t.Fatal(p)
	}
	return b
}

func (b *bench) write(source string) {
	b.t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "tick.lua"), []byte(source), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// start runs the scheduler until the test ends, and waits until it waits.
func (b *bench) start() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	s := schedule.New(schedule.Config{
		Generation: b.set.Generation,
		Accept: func(_ context.Context, a journal.Arrival) error {
			select {
			case err := <-b.refuse:
				if err == errPanic {
					panic(err)
				}
				return err
			default:
				b.fired <- a
				return nil
			}
		},
		Last: func(_ context.Context, script, hook string) (time.Time, error) {
			return b.last[script+"/"+hook], nil
		},
		Clock: b.clock,
		Log:   slog.New(slog.NewTextHandler(&b.log, nil)),
	})
	go func() { done <- s.Run(ctx) }()
	b.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			b.t.Error(err)
		}
	})
	b.waiting = <-b.clock.waits
}

// move sets the clock, fires the timer of the scheduler, and waits until it
// waits again.
func (b *bench) move(to string) {
	b.clock.set(at(to))
	b.waiting.fire <- at(to)
	b.waiting = <-b.clock.waits
}

// ids returns the ids of the events fired since the last call, in their order.
func (b *bench) ids() []string {
	var ids []string
	for {
		select {
		case a := <-b.fired:
			ids = append(ids, a.Event.ID)
		default:
			return ids
		}
	}
}

func (b *bench) want(what string, got []string, want ...string) {
	b.t.Helper()
	if strings.Join(got, " ") != strings.Join(want, " ") {
		b.t.Fatalf("%s: got %q, want %q", what, got, want)
	}
}

func at(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		panic(err)
	}
	return t
}

const nine = `every("day at 09:00", { tz = "Europe/Paris", name = "nine" }, function() end)`

func TestTickIsAnEvent(t *testing.T) {
	b := newBench(t, "2026-03-28 07:59:50", nine)
	b.start()
	if b.waiting.length != 10*time.Second {
		t.Errorf("it waits %s, want 10s", b.waiting.length)
	}
	b.move("2026-03-28 08:00:00")
	a := <-b.fired
	if a.Event.ID != "schedule:tick:nine:2026-03-28T08:00:00Z" || a.Event.Type != "every" || a.Event.Source != journal.Schedule {
		t.Errorf("event is %+v", a.Event)
	}
	if !a.Tick.Equal(at("2026-03-28 08:00:00")) || !a.Event.Time.Equal(a.Tick) {
		t.Errorf("tick is %s, time is %s", a.Tick, a.Event.Time)
	}
	if len(a.Hooks) != 1 || a.Hooks[0].Name != "nine" || a.Hooks[0].Lane.Kind != journal.LaneHook {
		t.Errorf("hooks are %+v", a.Hooks)
	}
	var data map[string]string
	if err := json.Unmarshal(a.Event.Data, &data); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"tick": "2026-03-28T08:00:00Z", "local": "2026-03-28T09:00:00+01:00", "tz": "Europe/Paris", "schedule": "day at 09:00"} {
		if data[name] != want {
			t.Errorf("data.%s is %q, want %q", name, data[name], want)
		}
	}
	// Paris changes its clock in the night: one hour less to the next.
	b.move("2026-03-29 06:59:59")
	b.want("before nine", b.ids())
	b.move("2026-03-29 07:00:00")
	b.want("at nine", b.ids(), "schedule:tick:nine:2026-03-29T07:00:00Z")
}

func TestLongWaitsAreSplit(t *testing.T) {
	b := newBench(t, "2026-03-28 12:00:00", nine)
	b.start()
	if b.waiting.length != 30*time.Second {
		t.Errorf("it waits %s, want 30s: a timer does not follow a clock that is set", b.waiting.length)
	}
}

func TestSeveralSchedules(t *testing.T) {
	b := newBench(t, "2026-03-28 08:14:00", `
		every("15m", function() end)
		every("hour", function() end)
		every("0 9 * * *", function() end)`)
	b.start()
	b.move("2026-03-28 08:15:00")
	b.want("a quarter", b.ids(), "schedule:tick:every 15m:2026-03-28T08:15:00Z")
	b.move("2026-03-28 08:30:00")
	b.move("2026-03-28 08:45:00")
	b.ids()
	b.move("2026-03-28 09:00:00")
	if got := b.ids(); len(got) != 3 {
		t.Errorf("at nine: got %q, want three ticks", got)
	}
}

func TestClockJumps(t *testing.T) {
	b := newBench(t, "2026-03-28 08:14:59", `every("15m", { name = "q" }, function() end)`)
	b.start()
	b.move("2026-03-28 08:15:00")
	b.want("a tick", b.ids(), "schedule:tick:q:2026-03-28T08:15:00Z")
	b.move("2026-03-28 11:05:00")
	b.want("three hours later", b.ids(), "schedule:tick:q:2026-03-28T11:00:00Z")
	if !strings.Contains(b.log.String(), "passed_over=10") {
		t.Errorf("the log has no line about ten ticks that were passed over:\n%s", &b.log)
	}
	b.move("2026-03-28 10:10:00")
	b.move("2026-03-28 10:15:00")
	b.move("2026-03-28 11:00:00")
	b.want("back by an hour, ticks are not repeated", b.ids())
	b.move("2026-03-28 11:15:00")
	b.want("on again", b.ids(), "schedule:tick:q:2026-03-28T11:15:00Z")

	b.move("2099-01-01 00:00:01")
	b.want("a clock far in the future", b.ids(), "schedule:tick:q:2099-01-01T00:00:00Z")
	b.move("2026-03-28 11:16:00")
	b.move("2026-03-28 11:30:00")
	b.want("and set right again", b.ids(), "schedule:tick:q:2026-03-28T11:30:00Z")
}

func TestMissedWhileNoEngineRan(t *testing.T) {
	b := newBench(t, "2026-03-28 10:00:00", nine)
	b.last["tick/nine"] = at("2026-03-25 08:00:00")
	b.start()
	b.want("at the start", b.ids())
	for _, want := range []string{"missed ticks", "ticks=3", "2026-03-28T09:00:00+01:00"} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("the log has no %q:\n%s", want, &b.log)
		}
	}
}

// TestMissed checks which missed ticks run at the start.
func TestMissed(t *testing.T) {
	const day = "schedule:tick:s:2026-03-%dT08:00:00Z"
	minutes := func(from string, n int) []string {
		var ids []string
		for i := range n {
			ids = append(ids, "schedule:tick:s:"+at(from).Add(time.Duration(i)*time.Minute).Format(time.RFC3339))
		}
		return ids
	}
	tests := []struct {
		name, every, missed, last string
		want                      []string
		log                       string
	}{
		{"nothing by default", "day at 08:00", "", "2026-03-25 08:00:00", nil, "they are not made up for"},
		{"nothing", "day at 08:00", "none", "2026-03-25 08:00:00", nil, "ticks=3"},
		{"the last", "day at 08:00", "last", "2026-03-25 08:00:00", []string{fmt.Sprintf(day, 28)}, "ticks=3"},
		{"all", "day at 08:00", "all", "2026-03-25 08:00:00", []string{fmt.Sprintf(day, 26), fmt.Sprintf(day, 27), fmt.Sprintf(day, 28)}, "ticks=3"},
		{"one that was missed", "day at 08:00", "last", "2026-03-27 08:00:00", []string{fmt.Sprintf(day, 28)}, "ticks=1"},
		{"none was missed", "day at 08:00", "all", "2026-03-28 08:00:00", nil, ""},
		{"the first start", "day at 08:00", "all", "", nil, ""},
		{"a tick of the future", "day at 08:00", "all", "2026-03-29 08:00:00", nil, ""},
		{"a hundred", "1m", "all", "2026-03-28 08:20:00", minutes("2026-03-28 08:21:00", 100), "ticks=100"},
		{"more than a hundred", "1m", "all", "2026-03-28 08:19:00", minutes("2026-03-28 08:21:00", 100), "run=100"},
		{"far more", "1m", "all", "2016-03-28 08:19:00", minutes("2026-03-28 08:21:00", 100), `ticks="more than 1000"`},
		{"the last of far more", "1m", "last", "2016-03-28 08:19:00", minutes("2026-03-28 10:00:00", 1), `ticks="more than 1000"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			option := ""
			if test.missed != "" {
				option = fmt.Sprintf(", missed = %q", test.missed)
			}
			b := newBench(t, "2026-03-28 10:00:00", fmt.Sprintf(`every(%q, { name = "s"%s }, function() end)`, test.every, option))
			if test.last != "" {
				b.last["tick/s"] = at(test.last)
			}
			b.start()
			b.want("at the start", b.ids(), test.want...)
			if log := b.log.String(); !strings.Contains(log, test.log) || (test.log == "") != (log == "") {
				t.Errorf("the log is\n%s\nwant %q in it", log, test.log)
			}
			b.move("2026-03-28 10:00:01")
			b.want("a second later", b.ids())
		})
	}
}

// TestMissedTickIsTriedAgain: ticks that could not be stored are fired again
// before those that came due since, and none twice.
func TestMissedTickIsTriedAgain(t *testing.T) {
	b := newBench(t, "2026-03-28 10:29:59", `every("15m", { name = "q", missed = "all" }, function() end)`)
	b.last["tick/q"] = at("2026-03-28 09:45:00")
	b.refuse <- errors.New("disk full")
	b.start()
	b.want("at the start", b.ids())
	b.move("2026-03-28 10:30:00")
	b.want("when it can", b.ids(), "schedule:tick:q:2026-03-28T10:00:00Z",
		"schedule:tick:q:2026-03-28T10:15:00Z", "schedule:tick:q:2026-03-28T10:30:00Z")
	b.move("2026-03-28 10:45:00")
	b.want("on again", b.ids(), "schedule:tick:q:2026-03-28T10:45:00Z")
}

// TestMissedWhileTheScriptWasBroken: a schedule that is loaded later than the
// engine runs the ticks that it missed until then.
func TestMissedWhileTheScriptWasBroken(t *testing.T) {
	b := newBench(t, "2026-03-28 10:00:00", `-- replaced below`)
	b.last["tick/nine"] = at("2026-03-26 08:00:00")
	b.start()
	b.write(`every("day at 08:00", { name = "nine", missed = "last" }, function() end)`)
	if _, err := b.set.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.waiting = <-b.clock.waits
	b.want("when it is loaded", b.ids(), "schedule:tick:nine:2026-03-28T08:00:00Z")
}

func TestStoredTickIsNotRepeated(t *testing.T) {
	b := newBench(t, "2026-03-28 07:30:00", nine)
	b.last["tick/nine"] = at("2026-03-28 08:00:00") // before the clock was put back
	b.start()
	b.move("2026-03-28 08:00:00")
	b.want("a stored tick", b.ids())
	b.move("2026-03-29 07:00:00")
	b.want("the next one", b.ids(), "schedule:tick:nine:2026-03-29T07:00:00Z")
}

// errPanic is an error of refuse with which Accept panics.
var errPanic = errors.New("a fault of ours")

// A panic in the work on one schedule stops no other, and its tick is tried again.
func TestPanicOfOneSchedule(t *testing.T) {
	b := newBench(t, "2026-03-28 08:14:00", `every("15m", { name = "a" }, function() end) every("15m", { name = "b" }, function() end)`)
	b.start()
	b.refuse <- errPanic
	b.move("2026-03-28 08:15:00")
	if ids := b.ids(); len(ids) != 1 {
		t.Errorf("fired %v, want one of the two", ids)
	}
	b.move("2026-03-28 08:15:01")
	if ids := b.ids(); len(ids) != 1 {
		t.Errorf("fired %v, want the other one", ids)
	}
}

func TestTickIsTriedAgain(t *testing.T) {
	b := newBench(t, "2026-03-28 08:14:00", `every("15m", { name = "q" }, function() end)`)
	b.start()
	b.refuse <- errors.New("disk full")
	b.refuse <- errors.New("disk full")
	b.move("2026-03-28 08:15:00")
	if b.waiting.length != time.Second {
		t.Errorf("it waits %s, want 1s", b.waiting.length)
	}
	b.move("2026-03-28 08:15:01")
	if b.waiting.length != 2*time.Second {
		t.Errorf("it waits %s, want 2s", b.waiting.length)
	}
	b.want("while it cannot be stored", b.ids())
	b.move("2026-03-28 08:15:03")
	b.want("when it can", b.ids(), "schedule:tick:q:2026-03-28T08:15:00Z")
}

func TestReloadReplacesSchedules(t *testing.T) {
	b := newBench(t, "2026-03-28 08:14:00", `every("hour", { name = "h" }, function() end)`)
	b.start()
	b.write(`every("15m", { name = "h" }, function() end)`)
	if r, err := b.set.Reload(t.Context()); err != nil || len(r.Loaded) != 1 {
		t.Fatal(r, err)
	}
	b.waiting = <-b.clock.waits // woken by the new generation
	b.move("2026-03-28 08:15:00")
	b.want("the new schedule", b.ids(), "schedule:tick:h:2026-03-28T08:15:00Z")

	b.write(`-- no schedule any more`)
	if _, err := b.set.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.waiting = <-b.clock.waits
	b.move("2026-03-28 10:00:00")
	b.want("nothing is left", b.ids())
}

func TestVeryOldTicksAreNotCounted(t *testing.T) {
	b := newBench(t, "2026-03-28 10:00:00", `every("1s", { name = "s" }, function() end)`)
	b.last["tick/s"] = at("2016-03-28 10:00:00")
	b.start()
	if !strings.Contains(b.log.String(), `ticks="more than 1000"`) || !strings.Contains(b.log.String(), "latest=2026-03-28T10:00:00Z") {
		t.Errorf("the log is\n%s", &b.log)
	}
}

// TestChangedScheduleFiresNothingPast: a tick that the new schedule would have had
// before it was loaded is not fired.
func TestChangedScheduleFiresNothingPast(t *testing.T) {
	for name, changed := range map[string]string{
		"time": `every("day at 11:00", { tz = "Europe/Paris", name = "nine" }, function() end)`,
		"zone": `every("day at 09:00", { tz = "Atlantic/Azores", name = "nine" }, function() end)`,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "2026-03-27 07:59:50", nine)
			b.start()
			b.move("2026-03-27 08:00:00")
			b.want("before", b.ids(), "schedule:tick:nine:2026-03-27T08:00:00Z")
			b.move("2026-03-27 10:30:00")
			b.write(changed)
			if _, err := b.set.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.waiting = <-b.clock.waits
			b.want("when it is loaded", b.ids())
			b.move("2026-03-28 09:59:59")
			b.want("before the next", b.ids())
			b.move("2026-03-28 10:00:00")
			b.want("the next", b.ids(), "schedule:tick:nine:2026-03-28T10:00:00Z")
		})
	}
}
