package run_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// After a start a backlog begins with 16 runs, and each second twice as many may
// be in flight; without a backlog all may.
func TestQueuedRunsBeginSlowly(t *testing.T) {
	const runs = 60
	w := newFixture(t, map[string]string{"orders": `local shop = require "shop"
		on("shop.order.created", function(event) shop.look.now { tag = event.data.id } end)`})
	var arrived chan struct{}
	var release func()
	hang := func() {
		in, out := make(chan struct{}, 10*runs), make(chan struct{})
		arrived, release = in, sync.OnceFunc(func() { close(out) })
		t.Cleanup(release)
		w.vendor.answers(func(int, request) reply {
			in <- struct{}{}
			<-out
			return ok
		})
	}
	await := func(n int) {
		t.Helper()
		for range n {
			select {
			case <-arrived:
			case <-time.After(timeout):
				t.Fatalf("%d runs are in flight, want %d more", w.runner.InFlight(), n)
			}
		}
	}
	hang()
	for i := range runs {
		w.send("shop.order.created", fmt.Sprintf(`{"id":"o%d","customer":"c%d"}`, i, i))
	}
	await(runs)
	w.store.kill()
	release()
	w.end()

	hang()
	w.start()
	await(16)
	if n := w.runner.InFlight(); n != 16 || len(arrived) > 0 {
		t.Errorf("%d runs are in flight at the start, want 16", n)
	}
	seconds, more := 0, runs-16
	for late := time.After(timeout); more > 0; {
		select {
		case <-arrived:
			more--
		case <-time.After(50 * time.Millisecond):
			w.Advance(time.Second)
			seconds++
		case <-late:
			t.Fatalf("%d runs have not begun", more)
		}
	}
	if seconds < 2 {
		t.Errorf("all have begun after %d s, want 32 after a second and 64 after two", seconds)
	}
	release()
}
