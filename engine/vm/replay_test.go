package vm_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

var errParked = errors.New("parked")

// journalHost answers as many steps as it has records. It parks at the next
// wait, and then has a record of it.
type journalHost struct {
	recorder
	records []string // results; an answer that begins with "!" is an error of that kind
	live    bool     // does not park at waits
	last    int
}

func (h *journalHost) Replaying() bool { return h.last < len(h.records) }

func (h *journalHost) Step(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	replaying := h.Replaying()
	h.last++
	h.steps = append(h.steps, s)
	switch {
	case !replaying && s.Kind == vm.StepWait && !h.live:
		return nil, &vm.End{Cause: errParked}
	case !replaying:
		h.records = append(h.records, "null")
	}
	record := h.records[h.last-1]
	if kind, failed := strings.CutPrefix(record, "!"); failed {
		return nil, &bindings.Error{Kind: bindings.ErrorKind(kind), Message: "no", Retryable: true}
	}
	return json.RawMessage(record), nil
}

// Log lines from before a park are not written again, and a replay is not
// charged: two waits, each after three quarters of the limit, need three
// activations.
func TestReplayIsNotCharged(t *testing.T) {
	m := vm.New(vm.Config{})
	source := inHook(`
		local function work() for i = 1, 150000 do end end
		log.info("one"); work(); wait "1 day"
		print("two"); work(); wait "1 day"
		log.info("three"); work()`)
	var records []string
	var written []string
	for activation := 1; ; activation++ {
		host := &journalHost{records: records}
		out := runWith(t, m, source, vm.Limits{Instructions: 400_000}, host)
		written = append(written, host.lines...)
		if out.Err == nil {
			if activation != 3 {
				t.Errorf("it took %d activations", activation)
			}
			break
		}
		if !errors.Is(out.Err, errParked) {
			t.Fatalf("activation %d: %v", activation, out.Err)
		}
		records = append(host.records, "null") // the wait is over
	}
	if got := strings.Join(written, " "); got != "one two three" {
		t.Errorf("wrote %q", got)
	}
	// Without a park in between the limit is exceeded.
	out := runWith(t, m, source, vm.Limits{Instructions: 400_000}, &journalHost{live: true})
	var limit *vm.LimitError
	if !errors.As(out.Err, &limit) || limit.Limit != "instructions" {
		t.Errorf("all in one activation: %v", out.Err)
	}
}

// Executing time is not counted during a replay, and is counted after it.
func TestTimeCountsFromTheEndOfReplay(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	m := vm.New(vm.Config{})
	source := inHook(`for i = 1, 1e7 do end uuid() wait "1 day"`)
	limits := vm.Limits{Time: time.Hour, Instructions: 1e9}
	began := time.Now()
	if out := runWith(t, m, source, limits, &journalHost{records: []string{"null"}}); !errors.Is(out.Err, errParked) {
		t.Fatal(out.Err)
	}
	limits.Time = time.Since(began) / 2 // however slow the machine is
	if out := runWith(t, m, source, limits, &journalHost{records: []string{"null"}}); !errors.Is(out.Err, errParked) {
		t.Errorf("work before the record: %v", out.Err)
	}
	var limit *vm.LimitError
	host := &journalHost{records: []string{"null"}}
	if out := runWith(t, m, inHook(`uuid() while true do end`), limits, host); !errors.As(out.Err, &limit) || limit.Limit != "time" {
		t.Errorf("work after the record: %v", out.Err)
	}
}

// A replay that makes no step ends too, by a limit that is larger than that of
// an activation. The limits of memory and steps are those of an activation.
func TestReplayEnds(t *testing.T) {
	m := vm.New(vm.Config{})
	for body, want := range map[string]string{
		`while true do end`: "test.lua:1: over the limit of 1,000,000 instructions between two recorded steps",
		`local t = {} while true do t[#t + 1] = { ("x"):rep(10000) .. #t } end`: "test.lua:1: over the limit of 4 MiB of memory",
		`while true do uuid() end`: "test.lua:1: over the limit of 50 steps",
	} {
		host := &journalHost{records: strings.Split(strings.Repeat("null ", 99)+"null", " ")}
		out := runWith(t, m, inHook(body), vm.Limits{Instructions: 100_000, Memory: 4 << 20, Steps: 50}, host)
		if out.Err == nil || out.Err.Error() != want {
			t.Errorf("%s\n\tgot  %v\n\twant %s", body, out.Err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	host := &journalHost{records: []string{"null", "null"}}
	time.AfterFunc(20*time.Millisecond, cancel)
	out := m.Run(ctx, program(t, m, inHook("while true do end")), vm.Activation{Event: smallEvent, Host: host, Limits: vm.Limits{Instructions: 1e12}})
	if !errors.Is(out.Err, context.Canceled) {
		t.Errorf("cancelled: %v", out.Err)
	}
}

// ScriptError.Step is the step whose error left the script. It is found by the
// table itself, not by its fields.
func TestScriptErrorStep(t *testing.T) {
	m := vm.New(vm.Config{})
	for body, want := range map[string]int{
		`uuid() uuid()`: 2,
		`uuid() local ok, e = pcall(uuid) error(e)`:                                                2,
		`uuid() local r, e = try(uuid) error(e, 0)`:                                                2,
		`uuid() assert(try(uuid))`:                                                                 2,
		`uuid() local r, e = try(uuid) log.warn("failed", { e = e }) try(uuid) error(e)`:           2,
		`uuid() try(uuid) uuid()`:                                                                  3,
		`uuid() local e, err = wait_for "a.b.c" error(err)`:                                        2,
		`uuid() local r, e = try(uuid) e.kind = "mine" error(e)`:                                   2,
		`uuid() local r, e = try(uuid) error(tostring(e))`:                                         0,
		`uuid() local r, e = try(uuid) error { kind = e.kind, message = e.message }`:               0,
		`uuid() local r, e = try(uuid) local c = {} for k, v in pairs(e) do c[k] = v end error(c)`: 0,
		`uuid() local r, e = try(uuid) error(json.decode(json.encode(e)))`:                         0,
		`uuid() try(uuid) error("a bug")`:                                                          0,
		`uuid() try(uuid) local x = nothing.field`:                                                 0,
	} {
		host := &journalHost{records: []string{"null", "!timeout", "!conflict"}}
		e := wantScriptError(t, runWith(t, m, inHook(body), vm.Limits{}, host).Err)
		if e.Step != want || (e.App != nil) != (want > 0) {
			t.Errorf("%s\n\tstep %d (%v), want %d", body, e.Step, e, want)
		}
	}
}

// A script can forbid another attempt, but cannot ask for one.
func TestScriptErrorRetryable(t *testing.T) {
	m := vm.New(vm.Config{})
	for body, want := range map[string]bool{
		`uuid()`: true,
		`local _, e = try(uuid) e.retryable = false error(e)`: false,
	} {
		e := wantScriptError(t, runWith(t, m, inHook(body), vm.Limits{}, &journalHost{records: []string{"!unavailable"}}).Err)
		if e.App.Retryable != want {
			t.Errorf("%s: retryable %t", body, e.App.Retryable)
		}
	}
	refuse := &recorder{answer: func(context.Context, vm.Step) (json.RawMessage, error) {
		return nil, &bindings.Error{Kind: bindings.Uncertain, Message: "no answer"}
	}}
	e := wantScriptError(t, runWith(t, m, inHook(`local _, e = try(uuid) e.retryable = true error(e)`), vm.Limits{}, refuse).Err)
	if e.App.Retryable {
		t.Error("a script made an error retryable")
	}
}
