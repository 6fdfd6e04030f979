package vm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
)

// TestSlots: scripts get a slot in turn, the activations of one script in their order.
func TestSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newSlots(1)
		if err := all.acquire(t.Context(), "first"); err != nil || all.contended() {
			t.Fatal(err)
		}
		got := make(chan string)
		wait := func(ctx context.Context, script string, n int) {
			go func() {
				if err := all.acquire(ctx, script); err != nil {
					got <- fmt.Sprint(script, n, " ended: ", errors.Is(err, context.Canceled))
					return
				}
				got <- fmt.Sprint(script, n)
			}()
			synctest.Wait()
		}
		ended, end := context.WithCancel(t.Context())
		for n := range 3 {
			wait(t.Context(), "a", n)
		}
		wait(ended, "c", 0)
		for n := range 2 {
			wait(t.Context(), "b", n)
		}
		end()
		if text := <-got; text != "c0 ended: true" {
			t.Error(text)
		}
		var order []string
		for range 5 {
			if !all.contended() {
				t.Error("nobody waits")
			}
			all.release()
			order = append(order, <-got)
		}
		if want := []string{"a0", "b0", "a1", "b1", "a2"}; !slices.Equal(order, want) {
			t.Errorf("found %q, expected %q", order, want)
		}
		all.release()
		if all.contended() || all.free != 1 || len(all.waiting) > 0 || all.ring.Len() > 0 {
			t.Errorf("left: %+v", all)
		}
	})
}
