package call_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// window is a vendor who counts requests in any stretch of time.
type window struct {
	mu   sync.Mutex
	seen []time.Time
}

// maxWithin is the highest number of requests within per of each other.
func (w *window) maxWithin(per time.Duration) int {
	highest := 0
	for i, from := range w.seen {
		n := 0
		for _, at := range w.seen[i:] {
			if at.Sub(from) < per {
				n++
			}
		}
		highest = max(highest, n)
	}
	return highest
}

func TestRateLimit(t *testing.T) {
	limits := []bindings.Limit{
		{Requests: 10, Per: time.Second, Scope: bindings.PerConnection},
		{Name: "posting", Requests: 1, Per: time.Second, Scope: bindings.PerOperation},
	}
	var vendor window
	var s *setup
	s = start(t, func(w http.ResponseWriter, _ *http.Request) {
		vendor.seen = append(vendor.seen, s.clock.Now())
		reply(200, `{}`)(w)
	}, func(_ *call.Config, _ *connection.Settings, a *bindings.App) { a.Limits = limits })
	began := s.clock.Now()
	for range 35 {
		if _, err := s.do(t, safe, `{}`); err != nil {
			t.Fatal(err)
		}
	}
	if highest := vendor.maxWithin(time.Second); highest != 10 {
		t.Errorf("the vendor saw %d requests within a second, want the 10 that it allows", highest)
	}
	if elapsed := s.clock.Now().Sub(began); elapsed != 3*time.Second {
		t.Errorf("35 requests took %s, want 3s", elapsed)
	}
	// The limit of one operation applies to it in addition.
	s.clock.Advance(time.Minute)
	s.clock.waits = nil
	for range 3 {
		if _, err := s.do(t, "chat.post", `{"channel":"C"}`); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.clock.waits) != 2 || s.clock.waits[0] != time.Second {
		t.Errorf("waited %v, want a second twice", s.clock.waits)
	}
}

func TestRateLimitBeyondMaxWait(t *testing.T) {
	s := start(t, answers(reply(200, `{}`)), func(_ *call.Config, _ *connection.Settings, a *bindings.App) {
		a.Limits = []bindings.Limit{{Requests: 2, Per: time.Minute, Scope: bindings.PerHost}}
	})
	for range 2 {
		if _, err := s.do(t, safe, `{}`); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := s.do(t, unsafe, args[unsafe])
	wantKind(t, err, bindings.RateLimited, true, "the 2 requests in 1m0s that crm allows are used up for another 1m0s")
	if answer.RetryAfter != time.Minute || answer.Sendings != 0 || s.begun != nil {
		t.Errorf("got %+v, begun record %v, want nothing sent", answer, s.begun)
	}
	s.clock.Advance(time.Minute)
	if _, err := s.do(t, safe, `{}`); err != nil {
		t.Errorf("a minute later: %v", err)
	}
}

// The vendor's own count is used: other clients may use the same limit.
func TestVendorCount(t *testing.T) {
	s := start(t, answers(reply(200, `{}`, "X-Left", "0", "X-Interval", "4000"), reply(200, `{}`, "X-Left", "9")),
		func(_ *call.Config, _ *connection.Settings, a *bindings.App) {
			a.Limits = []bindings.Limit{{Requests: 10, Per: 10 * time.Second, Scope: bindings.PerConnection}}
		})
	for range 3 {
		if _, err := s.do(t, safe, `{}`); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.clock.waits) != 1 || s.clock.waits[0] != 4*time.Second {
		t.Errorf("waited %v, want 4s once", s.clock.waits)
	}
}

func TestUnlimited(t *testing.T) {
	s := start(t, answers(reply(200, `{}`)), func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		c.Unlimited = true
		a.Limits = []bindings.Limit{{Requests: 1, Per: time.Hour}}
	})
	for range 3 {
		if _, err := s.do(t, safe, `{}`); err != nil {
			t.Fatal(err)
		}
	}
}

// slow is a transport whose requests take a while to arrive, and whose answers
// take another.
type slow struct {
	clock   *recordingClock
	transit []time.Duration // of each request in order; then none
	answer  time.Duration
	http.RoundTripper
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(s.transit) > 0 {
		s.clock.Advance(s.transit[0])
		s.transit = s.transit[1:]
	}
	defer s.clock.Advance(s.answer)
	return s.RoundTripper.RoundTrip(r)
}

// A vendor counts requests when they arrive. One that arrived late does not let
// the next come too early; an answer that takes long does not delay the next.
func TestRateLimitCountsArrivals(t *testing.T) {
	const ms = time.Millisecond
	for name, c := range map[string]struct {
		transit []time.Duration
		answer  time.Duration
		took    time.Duration // of five requests of which two are allowed in a second
	}{
		"at once":      {nil, 0, 2 * time.Second},
		"late":         {[]time.Duration{30 * ms, 0}, 0, 2030 * ms},
		"slow answers": {[]time.Duration{30 * ms, 0}, 5 * time.Second, 25030 * ms},
		"300 ms each":  {nil, 300 * ms, 2500 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			var vendor window
			var s *setup
			transport := &slow{transit: c.transit, answer: c.answer}
			s = start(t, func(w http.ResponseWriter, _ *http.Request) {
				vendor.seen = append(vendor.seen, s.clock.Now())
				reply(200, `{}`)(w)
			}, func(config *call.Config, _ *connection.Settings, a *bindings.App) {
				a.Limits = []bindings.Limit{{Requests: 2, Per: time.Second, Scope: bindings.PerConnection}}
				transport.clock, transport.RoundTripper = config.Clock.(*recordingClock), http.DefaultTransport
				config.Transport = transport
			})
			defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			began := s.clock.Now()
			for range 5 {
				if _, err := s.do(t, safe, `{}`); err != nil {
					t.Fatal(err)
				}
			}
			if highest := vendor.maxWithin(time.Second); highest > 2 {
				t.Errorf("%d requests arrived within a second, the vendor allows 2: %v", highest, vendor.seen)
			}
			if took := s.clock.Now().Sub(began); took != c.took {
				t.Errorf("five requests took %s, expected %s", took, c.took)
			}
		})
	}
}

// Many concurrent calls share one limit, on the real clock.
func TestRateLimitAtOnce(t *testing.T) {
	t.Parallel() // it waits
	var vendor window
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		vendor.mu.Lock()
		vendor.seen = append(vendor.seen, time.Now())
		vendor.mu.Unlock()
		reply(200, `{}`)(w)
	}, func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		c.Clock, c.Observe = nil, nil
		a.Limits = []bindings.Limit{{Requests: 20, Per: 2 * time.Second, Scope: bindings.PerConnection}}
	})
	var failed atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := s.Do(t.Context(), call.Request{App: s.app, Operation: s.op(t, safe), Connection: "crm/paris"}); err != nil {
				failed.Add(1)
			}
		})
	}
	all.Wait()
	// A little less than the window: on a slow machine a request takes a while to
	// be counted after it arrived.
	if highest := vendor.maxWithin(1800 * time.Millisecond); failed.Load() > 0 || len(vendor.seen) != 50 || highest > 20 {
		t.Errorf("%d failed, the vendor saw %d, at most %d close together", failed.Load(), len(vendor.seen), highest)
	}
}
