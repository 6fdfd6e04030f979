package call

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// TestQueueOrder checks the order of calls where more wait than a rate limit
// allows.
func TestQueueOrder(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	limit := bindings.Limit{Requests: 2, Per: 10 * time.Second, Scope: bindings.PerConnection}
	cases := map[string]struct {
		arrive string // one letter a call: its script
		want   string // in the order in which they are served
	}{
		"one script in order":       {"aaaa", "a1 a2 a3 a4"},
		"a few of another are soon": {"aaaaaab", "a1 b1 a2 a3 a4 a5 a6"},
		"two alternate":             {"aaabbb", "a1 b1 a2 b2 a3 b3"},
		"first come in a round":     {"baab", "b1 a1 a2 b2"},
		"three":                     {"aaaabbc", "a1 b1 c1 a2 b2 a3 a4"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := &limiter{budgets: map[string]*budget{}}
			b := &budget{limit: limit, due: []time.Time{at.Add(-time.Second), at}} // used up until 9 s from now
			waiting := map[string]*waiter{}
			var names []string
			seen := map[rune]int{}
			for _, script := range c.arrive {
				seen[script]++
				name := fmt.Sprintf("%c%d", script, seen[script])
				names, waiting[name] = append(names, name), l.enqueue(string(script), []*budget{b})
			}
			var order []string
			for now := at; len(waiting) > 0; now = now.Add(time.Second) {
				for {
					i := slices.IndexFunc(names, func(name string) bool {
						if waiting[name] == nil {
							return false
						}
						_, short := l.tryReserve(waiting[name], now)
						return short == nil
					})
					if i < 0 {
						break
					}
					order = append(order, names[i])
					l.dequeue(waiting[names[i]])
					delete(waiting, names[i])
				}
				if now.Sub(at) > time.Hour {
					t.Fatalf("never served: %v", waiting)
				}
			}
			if got := fmt.Sprint(order); got != "["+c.want+"]" {
				t.Errorf("got %s, want [%s]", got, c.want)
			}
			if len(b.queue.waiters) != 0 {
				t.Errorf("%d still wait", len(b.queue.waiters))
			}
		})
	}
}

// TestQueueWait checks that tryReserve returns the exact wait as long as no other
// call comes.
func TestQueueWait(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	l := &limiter{budgets: map[string]*budget{}}
	b := &budget{limit: bindings.Limit{Requests: 2, Per: 10 * time.Second}}
	for i, want := range []time.Duration{0, 0, 10 * time.Second, 10 * time.Second, 20 * time.Second, 20 * time.Second, 30 * time.Second} {
		w := l.enqueue("a", []*budget{b})
		wait, _ := l.tryReserve(w, now)
		if wait != want {
			t.Errorf("call %d waits %s, want %s", i, wait, want)
		}
		if wait == 0 {
			l.dequeue(w)
		}
	}
	l.pauseUntil(b, now.Add(time.Minute))
	if wait, short := l.tryReserve(b.queue.waiters[0], now); wait != time.Minute || short != b {
		t.Errorf("waits %s although the vendor wants nothing for a minute", wait)
	}
}
