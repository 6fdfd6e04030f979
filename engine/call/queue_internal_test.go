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
						return l.tryReserve(waiting[name], now).budget == nil
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
		wait := l.tryReserve(w, now).wait
		if wait != want {
			t.Errorf("call %d waits %s, want %s", i, wait, want)
		}
		if wait == 0 {
			l.dequeue(w)
		}
	}
	l.pauseUntil(b, now.Add(time.Minute))
	if short := l.tryReserve(b.queue.waiters[0], now); short.wait != time.Minute || short.budget != b || !short.paused {
		t.Errorf("%+v although the vendor accepts nothing for a minute", short)
	}
}

// TestLimitError checks that the error of a call that would wait too long has the
// cause: what the vendor wants, other calls, or requests that were sent.
func TestLimitError(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	limit := bindings.Limit{Requests: 2, Per: time.Second, Scope: bindings.PerConnection}
	used := []time.Time{now, now}
	cases := map[string]struct {
		budget budget
		ahead  int
		waited time.Duration
		want   string
	}{
		"sent":              {budget{limit: limit, due: used}, 0, 0, "the 2 requests in 1s that CRM allows are used up for another 1s; it was not sent"},
		"others, at once":   {budget{limit: limit, due: used}, 40, 0, "40 calls wait before this one for the 2 requests in 1s that CRM allows: it would wait another 21s; it was not sent"},
		"others, after 12s": {budget{limit: limit, due: used}, 3, 12 * time.Second, "3 calls wait before this one for the 2 requests in 1s that CRM allows: it would wait another 2s, after 12s; it was not sent"},
		"the vendor":        {budget{limit: limit, pausedUntil: now.Add(time.Minute)}, 0, 0, "CRM accepts no request for another 1m0s; it was not sent"},
		"the vendor, and others": {budget{limit: limit, due: used, pausedUntil: now.Add(time.Minute)}, 9, 0,
			"CRM accepts no request for another 1m0s; it was not sent"},
		"the vendor, not counted": {budget{pausedUntil: now.Add(time.Minute)}, 0, 0, "CRM accepts no request for another 1m0s; it was not sent"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := &limiter{budgets: map[string]*budget{}}
			for range c.ahead {
				l.enqueue("a", []*budget{&c.budget})
			}
			d := &delivery{job: &job{app: &bindings.App{Name: "CRM"}}, answer: Answer{LimitWait: c.waited}}
			if got := d.limitError(l.tryReserve(l.enqueue("a", []*budget{&c.budget}), now)).Message; got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
