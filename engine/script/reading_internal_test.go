package script

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// TestSlowRead: a read that does not end holds up a scan once, for readTime, and is not
// begun a second time.
func TestSlowRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		var begun atomic.Int32
		r := newFileReads()
		r.read = func(string, string) ([]byte, stamp, error) {
			begun.Add(1)
			<-answer
			return []byte("text"), stamp{}, nil
		}
		began := clock.System.Now()
		for range 3 {
			if _, _, err := r.file("scripts", "a.lua"); !errors.Is(err, errSlow) {
				t.Error(err)
			}
		}
		if waited := clock.System.Now().Sub(began); waited != readTime || begun.Load() != 1 {
			t.Errorf("waited %s, read %d times", waited, begun.Load())
		}
		close(answer)
		time.Sleep(time.Second) // by the clock of the bubble
		if text, _, err := r.file("scripts", "a.lua"); err != nil || string(text) != "text" {
			t.Errorf("found %q, %v", text, err)
		}
	})
}
