package run

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestBulkhead checks which runs may call, and which are woken when. A step is
//
//	in N          N runs have a place
//	APP RUN ok    a run calls an app and may; its script is its first letter
//	APP RUN waits a run calls an app and is suspended
//	APP RUN brief a run calls an app and waits in its place
//	APP leaves    a call of an app ends
//	APP RUN parks the run is parked, as its call was refused and the circuit is closed now
//	cancel RUN    a run is cancelled
//	after 1s      time passes
//	place         a run loses its place
//	wakes RUN…    the runs that are to be woken; none: no run
//	calls RUN     a run that waits in its place may call now
func TestBulkhead(t *testing.T) {
	for name, test := range map[string]struct {
		places int
		steps  string
	}{
		"a quarter while the places are in use":  {8, "in 8; x a1 ok; x a2 ok; x a3 waits; y a4 ok; y a5 ok; y a6 waits"},
		"more while half are free":               {8, "in 4; x a1 ok; x a2 ok; x a3 ok; x a4 ok; in 5; x a5 waits"},
		"one at least":                           {2, "in 2; x a1 ok; x a2 waits; y b1 ok"},
		"a call that ends wakes one":             {8, "in 8; x a1 ok; x a2 ok; x a3 waits; x a4 waits; after 1s; x leaves; wakes a3; wakes; x a3 ok; x leaves; wakes a4"},
		"no other run goes before":               {8, "in 8; x a1 ok; x a2 ok; x a3 waits; after 1s; x leaves; wakes a3; after 1s; x a5 waits; x a3 ok; x leaves; wakes a5"},
		"runs with a place and without by turns": {8, "in 8; x a1 ok; x a2 ok; x a3 waits; x a4 waits; x leaves; wakes a3; x a5 brief; x a6 brief; x a3 ok; x leaves; calls a5; x leaves; wakes a4; x leaves"},
		"scripts are served in rounds": {4, "in 4; x a0 ok; x a1 waits; x a2 waits; x a3 waits; x b1 waits; after 1s; x leaves; wakes a1; x a1 ok; x leaves; wakes b1; " +
			"x b1 ok; x leaves; wakes a2; x a2 ok; x leaves; wakes a3"},
		"places that become free wake runs":       {8, "in 8; x a1 ok; x a2 ok; x a3 waits; x a4 waits; x a5 waits; in 3; place; wakes a3"},
		"a run that waits in its place":           {8, "in 8; x a1 ok; x a2 ok; x leaves; x a3 ok; x a4 brief; x leaves; calls a4"},
		"the app has not answered for long":       {8, "in 8; x a1 ok; x a2 ok; x leaves; x a3 ok; after 1s; x a4 waits"},
		"a permission that is not used":           {4, "in 4; x a1 ok; x a2 waits; x a3 waits; after 1s; x leaves; wakes a2; after 9s; wakes; after 1s; wakes a3"},
		"a cancelled run is not woken":            {4, "in 4; x a1 ok; x a2 waits; x a3 waits; cancel a2; after 1s; x leaves; wakes a3"},
		"a run is cancelled after it is woken":    {4, "in 4; x a1 ok; x a2 waits; x a3 waits; after 1s; x leaves; wakes a2; cancel a2; wakes a3"},
		"a run that is woken calls another app":   {4, "in 4; x a1 ok; x a2 waits; x a3 waits; after 1s; x leaves; wakes a2; y a2 ok; wakes a3"},
		"parked runs are woken as others":         {4, "in 4; x a1 ok; x a2 parks; x a3 parks; x b1 parks; wakes; x leaves; wakes a2; x a2 ok; x leaves; wakes b1"},
		"nothing is woken for another app's call": {4, "in 4; x a1 ok; y b1 ok; x a2 waits; y leaves; wakes; x leaves; wakes a2"},
	} {
		t.Run(name, func(t *testing.T) { checkBulkhead(t, test.places, test.steps) })
	}
}

func checkBulkhead(t *testing.T, places int, steps string) {
	c := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	inFlight, waits := 0, map[string]*waitingRun{}
	b := newBulkhead(places, func() int { return inFlight }, c)
	fail := func(step, format string, args ...any) {
		t.Helper()
		t.Fatalf("%s: %s", step, fmt.Sprintf(format, args...))
	}
	for step := range strings.SplitSeq(steps, "; ") {
		words := strings.Fields(step)
		switch words[0] {
		case "in":
			_, err := fmt.Sscan(words[1], &inFlight)
			if err != nil {
				t.Fatal(err)
			}
		case "after":
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			c.Advance(d)
		case "place":
			b.placeFreed()
		case "cancel":
			b.cancel(words[1])
		case "wakes":
			runs, _ := b.due()
			var found []string
			for _, w := range runs {
				found = append(found, w.run)
			}
			if got, want := strings.Join(found, " "), strings.Join(words[1:], " "); got != want {
				fail(step, "found %q", got)
			}
		case "calls":
			select {
			case <-waits[words[1]].ready:
			default:
				fail(step, "it still waits")
			}
		default:
			app := call.Target{App: words[0]}
			if words[1] == "leaves" {
				b.leave(app, c.Now().Add(-10*time.Millisecond))
				continue
			}
			run := words[1]
			if words[2] == "parks" {
				b.addParked(app, call.Target{}, run, run[:1])
				continue
			}
			w, wait := b.enter(app, run, run[:1])
			found := "ok"
			switch {
			case wait > 0:
				found, waits[run] = "brief", w
			case w != nil:
				found = "waits"
				b.suspend(w, 0, journal.Current{})
			}
			if found != words[2] {
				fail(step, "found %s", found)
			}
		}
	}
}

// While a circuit is open its runs are woken one at a time, to try a call; once it
// is closed all are, as far as they may call.
func TestRunsOfACircuit(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	c := clock.NewManual(now)
	b := newBulkhead(8, func() int { return 8 }, c)
	app, host := call.Target{App: "x"}, call.Target{App: "x", Host: "h"}
	for i := range 5 {
		b.addParked(app, host, fmt.Sprintf("a%d", i), "a")
	}
	wakes := func(open []call.Circuit, want string, again time.Duration) {
		t.Helper()
		at := b.circuits(open, c.Now())
		runs, _ := b.due()
		found := ""
		for _, w := range runs {
			found += w.run
		}
		if found != want {
			t.Errorf("after %s: woken %q, want %q", c.Now().Sub(now), found, want)
		}
		if again > 0 && at.Sub(c.Now()) != again || again == 0 && !at.IsZero() {
			t.Errorf("after %s: to be called again in %s, want %s", c.Now().Sub(now), at.Sub(c.Now()), again)
		}
	}
	open := func(next time.Duration, probing bool) []call.Circuit {
		return []call.Circuit{{Target: host, Next: now.Add(next), Probing: probing}}
	}
	wakes(open(5*time.Second, false), "", 5*time.Second)
	c.Advance(5 * time.Second)
	wakes(open(5*time.Second, false), "a0", 5*time.Second)
	wakes(open(5*time.Second, true), "", 0)
	b.leaveAfterEnter(t, app, "a0")
	wakes(open(15*time.Second, false), "", 10*time.Second)
	c.Advance(10 * time.Second)
	wakes(open(15*time.Second, false), "a1", 5*time.Second)
	c.Advance(5 * time.Second) // it has not called
	wakes(open(15*time.Second, false), "a2", 5*time.Second)
	b.leaveAfterEnter(t, app, "a1")
	b.leaveAfterEnter(t, app, "a2")
	wakes(nil, "a3a4", 0)
}

// leaveAfterEnter is a call of a run that was woken.
func (b *bulkhead) leaveAfterEnter(t *testing.T, app call.Target, run string) {
	t.Helper()
	if w, _ := b.enter(app, run, "a"); w != nil {
		t.Fatalf("run %s may not call", run)
	}
	b.leave(app, b.clock.Now())
}
