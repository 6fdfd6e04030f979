package engine_test

import (
	"fmt"
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
			o := &oracle{answers: strings.Fields(test.answers)}
			r := newRig(t, fmt.Sprintf("local shop = require \"shop\"\non(\"shop.order.created\", { %s }, function()\n  %s\nend)\n", test.hook, test.call), o)
			o.now = r.Now
			if test.crash {
				_, _, m := r.live(crashEvent, 0, false)
				if at := slices.IndexFunc(m.what, func(what string) bool { return strings.HasSuffix(what, " done") }); at > 0 {
					o.heard = nil
					r = newRig(t, fmt.Sprintf("local shop = require \"shop\"\non(\"shop.order.created\", { %s }, function()\n  %s\nend)\n", test.hook, test.call), o)
					o.now = r.Now
					r.live(crashEvent, at+1, false)
				} else {
					t.Fatalf("the call is not recorded; the writes are %v", m.what)
				}
				r.move(test.later)
			}
			got, steps, _ := r.live(crashEvent, 0, false)
			if got.State != test.state {
				t.Errorf("the run is %s, want %s: %s; park %+v", got.State, test.state, problem(got), got.Park)
			}
			if test.heard > 0 && len(o.heard) != test.heard {
				t.Errorf("the shop heard %d requests, want %d: %+v", len(o.heard), test.heard, o.heard)
			}
			for _, one := range o.heard[1:] {
				if one.body != o.heard[0].body || one.key != o.heard[0].key {
					t.Errorf("sent again %+v, want %+v", one, o.heard[0])
				}
				if age := one.at.Sub(o.heard[0].at); test.gap > 0 && age >= test.gap {
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

func (o *oracle) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var body strings.Builder
	fmt.Fprint(&body, r.Method, r.RequestURI)
	buffer := make([]byte, 1<<10)
	for {
		n, err := r.Body.Read(buffer)
		body.Write(buffer[:n])
		if err != nil {
			break
		}
	}
	o.heard = append(o.heard, petition{body.String(), r.Header.Get("X-Shop-Key"), o.now()})
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
