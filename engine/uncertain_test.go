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

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestUncertainCall makes one call whose first answer is missing, because the
// process crashed or the answer was lost. It is sent again automatically only
// where that is safe, with the same bytes, and with a key only while the app
// stores keys. Otherwise the run is held.
func TestUncertainCall(t *testing.T) {
	tests := []struct {
		name string
		call string // what the script does
		hook string // options
		// answers are those to the requests in their order; the last one repeats.
		answers string
		// crash ends the process after the answer, before it is recorded; the next
		// process starts after the time later.
		crash    bool
		later    time.Duration
		state    journal.State
		requests int // requests
		gap      time.Duration
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
		{"a key, and the app is busy until there are no more attempts", `try(shop.transfers.make, { tag = "a" })`, `retry = { attempts = 2 }`, "ok busy", true, 0, journal.Held, 0, 30 * time.Minute},
		{"retried after a crash", `shop.orders.pay { tag = "a" }`, `on_uncertain = "retry"`, "ok", true, 24 * time.Hour, journal.Succeeded, 2, 0},
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
		{"retried, and its answer is lost", `shop.orders.pay { tag = "a" }`, `on_uncertain = "retry"`, "lost ok", false, 0, journal.Succeeded, 2, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source := fmt.Sprintf("local shop = require \"shop\"\non(\"shop.order.created\", { %s }, function()\n  %s\nend)\n", test.hook, test.call)
			v := &answeringVendor{answers: strings.Fields(test.answers)}
			r := newRunnerFixture(t, source, v)
			v.reset(r)
			if test.crash {
				// A process without a crash shows at which write the answer is recorded.
				_, _, c := r.process(crashEvent, 0, false)
				at := slices.IndexFunc(c.names, func(what string) bool { return strings.HasSuffix(what, " done") })
				if at < 0 {
					t.Fatalf("the call is not recorded; the writes are %v", c.names)
				}
				r = newRunnerFixture(t, source, v)
				v.reset(r)
				r.process(crashEvent, at+1, false)
				r.Advance(test.later)
			}
			got, steps, _ := r.process(crashEvent, 0, false)
			if got.State != test.state {
				t.Errorf("the run is %s, want %s: %s; park %+v", got.State, test.state, problem(got), got.Park)
			}
			requests := v.requests()
			if test.requests > 0 && len(requests) != test.requests {
				t.Errorf("the shop received %d requests, want %d: %+v", len(requests), test.requests, requests)
			}
			for _, one := range requests[1:] {
				if one.body != requests[0].body || one.key != requests[0].key {
					t.Errorf("sent again %+v, want %+v", one, requests[0])
				}
				if age := one.at.Sub(requests[0].at); test.gap > 0 && age >= test.gap {
					t.Errorf("sent again after %s with a key that is stored for %s", age, test.gap)
				}
			}
			if last := steps[len(steps)-1]; got.State == journal.Held && (last.State != journal.Begun || len(last.Sent) == 0) {
				t.Errorf("the held step is %s, and what was sent is %q", last.State, last.Sent)
			}
		})
	}
}

// answeringVendor has a list of answers, and records requests.
type answeringVendor struct {
	mu       sync.Mutex
	answers  []string
	clock    clock.Clock
	received []receivedRequest
}

type receivedRequest struct {
	body, key string
	at        time.Time
}

// reset deletes the requests so far. Later ones have the times of c.
func (v *answeringVendor) reset(c clock.Clock) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clock, v.received = c, nil
}

func (v *answeringVendor) requests() []receivedRequest {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.received)
}

func (v *answeringVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	v.received = append(v.received, receivedRequest{fmt.Sprint(r.Method, r.RequestURI, string(body)), r.Header.Get("X-Shop-Key"), v.clock.Now()})
	w.Header().Set("Content-Type", "application/json")
	switch v.answers[min(len(v.received), len(v.answers))-1] {
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
