package vm_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// The time that Lua used before a step counts after it. The limit is a multiple of
// the time that this machine needs between two steps.
func TestTimeBeforeAStepCountsAfterIt(t *testing.T) {
	m := newMachine()
	loops := func(n int) string {
		return inHook(fmt.Sprintf(`for i = 1, %d do for j = 1, 300000 do end state.get("k") end`, n))
	}
	limits := vm.Limits{Instructions: 1 << 40}
	began := time.Now()
	if out := runWith(t, m, loops(1), limits, &appHost{}); out.Err != nil {
		t.Fatal(out.Err)
	}
	limits.Time = 3 * time.Since(began)
	host := &appHost{}
	out := runWith(t, m, loops(40), limits, host)
	var limit *vm.LimitError
	if !errors.As(out.Err, &limit) || limit.Limit != "time" {
		t.Errorf("after %d steps: %v, want the limit of time", len(host.steps), out.Err)
	}
	if len(host.steps) == 0 {
		t.Error("the first step was not reached")
	}
}
