package engine_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// TestDoubt follows one call whose first answer is not known, because the
// process died or the answer was lost: it is sent again by itself only where
// that is safe, with the bytes first sent, and a key is trusted no longer than
// the app keeps it. All else is held.
func TestDoubt(t *testing.T) {
	tests := []struct {
		name string
		call string // what the script does
		hook string // options
		// answers are what comes of each request in turn; the last for good.
		answers string
		// crash ends the process when the answer came, before it is recorded;
		// then so much time passes before the next begins.
		crash bool
		later time.Duration
		state journal.State
		heard int // requests
		gap   time.Duration
	}{
		{"a read after a crash", `shop.look.now { tag = "a" }`, ``, "ok", true, 0, journal.Succeeded, 2, 0},
		{"what is idempotent after a crash", `shop.items.save { tag = "a" }`, ``, "ok", true, 24 * time.Hour, journal.Succeeded, 2, 0},
		{"what is unsafe after a crash", `shop.orders.pay { tag = "a" }`, ``, "ok", true, 0, journal.Held, 1, 0},
		{"a raw POST after a crash", `shop.request { method = "POST", path = "/orders", body = { tag = "a" } }`, ``, "ok", true, 0, journal.Held, 1, 0},
		{"a raw GET after a crash", `shop.request { path = "/look", query = { tag = "a" } }`, ``, "ok", true, 0, journal.Succeeded, 2, 0},
		{"a key after a crash", `shop.transfers.make { tag = "a" }`, ``, "ok", true, 29 * time.Minute, journal.Succeeded, 2, 0},
		{"a key that is too old", `shop.transfers.make { tag = "a" }`, ``, "ok", true, 30 * time.Minute, journal.Held, 1, 0},
		{"a key, and the clock was set back", `shop.transfers.make { tag = "a" }`, ``, "ok", true, -time.Hour, journal.Held, 1, 0},
		{"a key that becomes too old while the app is busy", `shop.transfers.make { tag = "a" }`, ``, "ok busy ok", true, 10 * time.Minute, journal.Held, 2, 0},
		{"a key, and the app is busy for a little", `shop.transfers.make { tag = "a" }`, ``, "ok busy ok", true, 0, journal.Succeeded, 3, 0},
		{"a key, and the app is busy until nobody tries any more", `try(shop.transfers.make, { tag = "a" })`, `retry = { attempts = 2 }`, "ok busy", true, 0, journal.Held, 0, 30 * time.Minute},
		{"insisted on after a crash", `shop.orders.pay { tag = "a" }`, `on_uncertain = "retry"`, "ok", true, 24 * time.Hour, journal.Succeeded, 2, 0},
		{"raised after a crash", `local r, err = try(shop.orders.pay, { tag = "a" }) assert(err.kind == "uncertain" and not err.retryable)`,
			`on_uncertain = "raise"`, "ok", true, 0, journal.Succeeded, 1, 0},

		{"what is unsafe, and its answer is lost", `shop.orders.pay { tag = "a" }`, ``, "lost ok", false, 0, journal.Held, 1, 0},
		{"what is unsafe, and the app is down", `shop.orders.pay { tag = "a" }`, ``, "down ok", false, 0, journal.Held, 1, 0},
		{"what is unsafe, and the app is busy", `shop.orders.pay { tag = "a" }`, ``, "busy ok", false, 0, journal.Succeeded, 2, 0},
		{"a read of a busy app", `shop.look.now { tag = "a" }`, ``, "busy ok", false, 0, journal.Succeeded, 2, 0},
		{"a key, and its answers are lost", `shop.transfers.make { tag = "a" }`, ``, "lost lost lost ok", false, 0, journal.Succeeded, 4, 0},
		{"a key, and its answers are lost for good", `shop.transfers.make { tag = "a" }`, ``, "lost", false, 0, journal.Held, 0, 30 * time.Minute},
		{"a key, and the app is down for long", `shop.transfers.make { tag = "a" }`, ``, "down", false, 0, journal.Held, 0, 30 * time.Minute},
		{"raised, and its answer is lost", `local r, err = try(shop.orders.pay, { tag = "a" }) assert(err.kind == "uncertain" and not err.retryable)`,
			`on_uncertain = "raise"`, "lost ok", false, 0, journal.Succeeded, 1, 0},
		{"insisted on, and its answer is lost", `shop.orders.pay { tag = "a" }`, `on_uncertain = "retry"`, "lost ok", false, 0, journal.Succeeded, 2, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := fmt.Sprintf("local shop = require \"shop\"\non(\"shop.order.created\", { %s }, function()\n  %s\nend)\n", test.hook, test.call)
			o := &oracle{answers: strings.Fields(test.answers)}
			r := newRig(t, source, o)
			o.begin(r.Now)
			if test.crash {
				// One life tells at which write the answer is recorded.
				_, _, m := r.live(crashEvent, 0, false)
				at := slices.IndexFunc(m.what, func(what string) bool { return strings.HasSuffix(what, " done") })
				if at < 0 {
					t.Fatalf("the call is not recorded; the writes are %v", m.what)
				}
				r = newRig(t, source, o)
				o.begin(r.Now)
				r.live(crashEvent, at+1, false)
				r.move(test.later)
			}
			got, steps, _ := r.live(crashEvent, 0, false)
			if got.State != test.state {
				t.Errorf("the run is %s, want %s: %s; park %+v", got.State, test.state, problem(got), got.Park)
			}
			heard := o.requests()
			if test.heard > 0 && len(heard) != test.heard {
				t.Errorf("the shop heard %d requests, want %d: %+v", len(heard), test.heard, heard)
			}
			for _, one := range heard[1:] {
				if one.body != heard[0].body || one.key != heard[0].key {
					t.Errorf("sent again %+v, want %+v", one, heard[0])
				}
				if age := one.at.Sub(heard[0].at); test.gap > 0 && age >= test.gap {
					t.Errorf("sent again after %s with a key that is kept for %s", age, test.gap)
				}
			}
			if last := steps[len(steps)-1]; got.State == journal.Held && (last.State != journal.Begun || len(last.Sent) == 0) {
				t.Errorf("the held step is %s, and what was sent is %q", last.State, last.Sent)
			}
		})
	}
}

// oracle answers in the order that it is told to.
type oracle struct {
	mu      sync.Mutex
	answers []string
	now     func() time.Time
	heard   []petition
}

type petition struct {
	body, key string
	at        time.Time
}

// begin forgets what was heard, and dates what is to come.
func (o *oracle) begin(now func() time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now, o.heard = now, nil
}

func (o *oracle) requests() []petition {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.heard)
}

func (o *oracle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	o.heard = append(o.heard, petition{fmt.Sprint(r.Method, r.RequestURI, string(body)), r.Header.Get("X-Shop-Key"), o.now()})
	w.Header().Set("Content-Type", "application/json")
	switch o.answers[min(len(o.heard), len(o.answers))-1] {
	case "lost":
		panic(http.ErrAbortHandler)
	case "down":
		w.WriteHeader(http.StatusServiceUnavailable)
	case "busy":
		w.Header().Set("Retry-After", "1200")
		w.WriteHeader(http.StatusTooManyRequests)
	default:
		fmt.Fprint(w, `{"ok":true}`)
	}
}
