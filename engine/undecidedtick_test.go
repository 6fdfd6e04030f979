package engine_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine/journal"
)

// TestUndecidedTick holds the first tick of a schedule: the next ticks have their runs,
// unless the hook wants them one after the other. Its call has no look-up.
func TestUndecidedTick(t *testing.T) {
	for overlap, stops := range map[string]bool{
		``: false, `{ overlap = "skip" }, `: false, `{ overlap = "replace" }, `: false, `{ overlap = "parallel" }, `: false, `{ overlap = "queue" }, `: true,
	} {
		t.Run(overlap, func(t *testing.T) {
			t.Parallel()
			f := newClockFixture(t, "", fmt.Sprintf(`local slack = require "slack"
every("1m", %sfunction() slack.chat.schedule_message { channel = "C0GENERAL01", text = "tick", post_at = 4102444800 } end)`, overlap))
			must(t, f.apps.Fault(sandbox.Fault{App: "slack", Operation: "chat.schedule_message", Cut: sandbox.CutAnswer, Times: 1}))
			f.await("a held tick", func() bool { return len(f.inState(journal.Held)) == 1 })
			undecided := f.inState(journal.Held)[0]
			if stops {
				f.await("ticks behind it", func() bool { return len(f.inState(journal.Queued)) >= 3 })
				if n := len(f.inState(journal.Succeeded)); n > 0 {
					t.Errorf("%d ticks had their runs", n)
				}
			} else {
				f.await("ticks after it", func() bool { return len(f.inState(journal.Succeeded)) >= 3 })
			}
			must(t, f.engine.DecideCall(t.Context(), undecided, journal.CallDecision{Resolution: journal.Skip, By: "ada"}))
			f.await("the end of the held one", func() bool {
				run, _, err := f.journal.Run(t.Context(), undecided)
				must(t, err)
				if d := run.Decisions; len(d) != 1 || d[0].By != "ada" || d[0].Resolution != journal.Skip || d[0].Step != 1 || time.Until(d[0].At) > time.Hour {
					t.Errorf("decisions %+v", d)
				}
				return run.State == journal.Succeeded
			})
		})
	}
}

// inState returns the runs in a state.
func (f *clockFixture) inState(state journal.State) (ids []string) {
	f.t.Helper()
	runs, err := f.journal.Runs(f.t.Context(), journal.RunQuery{State: state, Limit: 1000})
	must(f.t, err)
	for _, r := range runs {
		ids = append(ids, r.ID)
	}
	return ids
}
