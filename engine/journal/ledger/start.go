package ledger

import (
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// start decides about a candidate: it makes a run, merges the event into another
// run, or does nothing. flooding pauses a new run.
func (b *batch) start(receipt *journal.Receipt, event int64, e *journal.Event, c *candidate, flooding bool) error {
	h := c.Hook
	hook, hookErr := b.hooks.get(HookName{h.Script, h.Name}, &b.want.Hooks)
	version, versionErr := b.versions.get(h.Version, &b.want.Versions)
	if err := combine(hookErr, versionErr); err != nil {
		return err
	}
	if h.Changed != "" {
		if differs, err := b.fieldChanged(hook.ID, e, h); err != nil || !differs {
			return err
		}
	}
	if !c.Passes || e.Echo && !h.Echo {
		return nil
	}
	n := newRun{event: event, hook: hook, name: HookName{h.Script, h.Name}, version: version, lane: c.Lane, rule: h.Lane.Rule(), pause: b.pauseOf(e, flooding),
		cached: &CachedRun{e, h}}
	overlap := overlapOf(h.Overlap)
	switch {
	case c.Lane != "" && h.Debounce > 0:
		return b.debounce(receipt, n, h)
	case c.Lane == "" || overlap == Queue:
	case overlap == Parallel:
		n.lane = ""
	default:
		skip, replaced, err := b.applyOverlap(overlap, LaneKey{hook.ID, c.Lane}, 0)
		if err != nil {
			return err
		}
		if skip != 0 {
			receipt.Skipped = append(receipt.Skipped, h.Script+" "+h.Name)
			return nil
		}
		if overlap == Replace {
			n.overlap = Replace
		}
		for _, seq := range replaced {
			receipt.Replaced = append(receipt.Replaced, b.id(seq))
		}
	}
	return b.startRun(receipt, h, n)
}

func (b *batch) startRun(receipt *journal.Receipt, h *journal.Hook, n newRun) error {
	answers, err := b.answersNow(h, n)
	if err != nil {
		return err
	}
	id := b.id(b.addRun(n).Seq)
	receipt.Runs = append(receipt.Runs, id)
	if answers {
		receipt.Responding = id
	}
	return nil
}

// answersNow reports whether the run that is to be made answers the sender of its
// event: it is not paused, and is the first in its lane.
func (b *batch) answersNow(h *journal.Hook, n newRun) (bool, error) {
	if !h.Responds || n.pause != 0 || n.lane == "" {
		return h.Responds && n.pause == 0, nil
	}
	key := LaneKey{n.hook.ID, n.lane}
	loaded, err := b.lanes.get(key, &b.want.Lanes)
	if err != nil {
		return false, err
	}
	before, err := b.ofLane(key, loaded, func(r *Run) bool { return r.State.InLane() })
	return len(before) == 0, err
}

// newRun is what addRun needs.
type newRun struct {
	event   int64
	hook    Hook
	name    HookName
	version int64
	lane    string
	rule    string
	pause   Pause
	cached  *CachedRun // nil: the first lease reads the run from the file
	overlap Overlap
	wake    int64 // when a run that is Later is queued, zero for another run
}

func (b *batch) addRun(n newRun) *Run {
	r := &Run{
		Seq: b.seq(), Event: n.event, Hook: n.hook.ID, Matched: n.version, Lane: n.lane, Rule: b.rule(n.name, n.rule),
		Overlap: n.overlap, Created: b.now.UnixMicro(),
	}
	r.Place = r.Seq
	switch {
	case n.wake != 0:
		r.State, r.Merging, r.Wake = Later, true, n.wake
		b.wakeAt(n.wake)
	case n.pause != 0:
		r.State, r.Pause, r.Parked = Paused, n.pause, r.Created
		n.cached = nil // it may be paused for long
	}
	b.live++
	b.add(r)
	if r.State != Later {
		b.enter(r, n.cached)
	}
	return r
}

// enter makes a run the last of its lane when the batch is committed.
func (b *batch) enter(r *Run, cached *CachedRun) {
	b.changeCount++
	b.moves = append(b.moves, Move{Kind: Enter, Seq: r.Seq, Run: r, Cached: cached})
}

// rule returns the number of a hook's lane rule. A rule that a reload has changed
// gets a new number.
func (b *batch) rule(name HookName, text string) int64 {
	hook, _ := b.hooks.get(name, &b.want.Hooks) // loaded; the batch may have changed it
	if hook.HasLane && hook.Lane == text {
		return hook.Rule
	}
	if hook.HasLane {
		hook.Rule++
		b.newRules = append(b.newRules, name)
	}
	hook.HasLane, hook.Lane = true, text
	b.changeCount++
	b.hooks.set(name, hook)
	b.changes.Rules = append(b.changes.Rules, Rule{hook.ID, text, hook.Rule})
	return hook.Rule
}

// fieldChanged stores the value that an event has in the field that a hook
// watches. It reports whether the value differs from that of the last event.
func (b *batch) fieldChanged(id int64, e *journal.Event, h *journal.Hook) (bool, error) {
	key := ChangedKey{id, e.Connection, h.RecordOf(e)}
	before, err := b.changed.get(key, &b.want.Changed)
	if err != nil {
		return false, err
	}
	now, _ := jsonpath.Lookup(e.Data, h.Changed)
	if string(now) == "null" {
		now = nil
	}
	if before.Known && journal.Same(before.Value, now) {
		return false, nil
	}
	b.changeCount++
	b.changed.set(key, Changed{true, now})
	return true, nil
}

const replacedText = "a newer event took its place"

// applyOverlap applies Skip or Replace to a new run of a lane. For Skip it returns
// the live run because of which the new one is skipped, zero for none. For Replace
// it cancels the runs that may be replaced, and returns them. self is the new run
// if it has a row already.
func (b *batch) applyOverlap(how Overlap, key LaneKey, self int64) (skip int64, replaced []int64, err error) {
	loaded, err := b.lanes.get(key, &b.want.Lanes)
	if err != nil {
		return 0, nil, err
	}
	all, err := b.ofLane(key, loaded, func(r *Run) bool { return r.State.Live() && r.State != Later && r.Seq != self })
	if err != nil {
		return 0, nil, err
	}
	if how == Skip {
		if len(all) > 0 {
			skip = all[0].Seq
		}
		return skip, nil, nil
	}
	var more error
	for _, r := range all {
		// The end of the run before has started the runs of its deferred events,
		// and one of these may have replaced this run.
		if r, err = b.run(r.Seq); err != nil {
			return 0, nil, err
		}
		switch r.State {
		case Queued:
			if !b.reserve(r) {
				continue // leased: the new run waits until it ends
			}
		case Waiting, Retrying, Paused, PausedWait:
		default:
			continue
		}
		if more = combine(more, b.end(r, Cancelled, &journal.Problem{Message: replacedText})); failed(more) {
			return 0, nil, more
		}
		replaced = append(replaced, r.Seq)
	}
	return 0, replaced, more
}

// reserve prevents a new lease of a queued run while the batch changes it. It
// reports false if the run is leased and the batch does not end the lease.
func (b *batch) reserve(r *Run) bool { return b.leaseEnded[r.Seq] || b.dispatch.Reserve(r.Seq) }

// replaced cancels a run that has just been parked if a newer run of its lane is
// to replace it: one that was accepted while the run executed. It reports whether
// it did.
func (b *batch) replaced(r *Run) (bool, error) {
	if r.Lane == "" || r.State != Waiting && r.State != Retrying {
		return false, nil
	}
	key := LaneKey{r.Hook, r.Lane}
	newest, err := b.replacers.get(key, &b.want.Replacers)
	if err != nil {
		return false, err
	}
	loaded := []int64{}
	if newest > r.Seq {
		loaded = append(loaded, newest)
	}
	if _, changed := b.runs.staged[newest]; changed { // another run may be the newest now
		if loaded, err = b.lanes.get(key, &b.want.Lanes); err != nil {
			return false, err
		}
	}
	newer, err := b.ofLane(key, loaded, func(o *Run) bool {
		return o.Seq > r.Seq && o.Overlap == Replace && (o.State == Queued || o.State == Paused)
	})
	if err != nil || len(newer) == 0 {
		return false, err
	}
	return true, b.end(r, Cancelled, &journal.Problem{Message: replacedText})
}

// end ends a live run, leased or not.
func (b *batch) end(r *Run, state State, problem *journal.Problem) error {
	var text []byte
	if problem != nil {
		var err error
		if text, err = json.Marshal(problem); err != nil {
			return err
		}
	}
	if r.State == Queued { // a lease before the commit would have the same epoch as a lease after a retry
		b.reserve(r)
	}
	waited := r.State == Waiting
	park, err := r.park()
	if err != nil {
		return err
	}
	epoch := r.Epoch
	if lease, leased := b.dispatch.Lease(r.Seq); leased && !b.leaseEnded[r.Seq] {
		epoch = max(epoch, lease.Epoch)
	}
	n := b.edit(r)
	n.State, n.Epoch, n.Finished, n.Problem, n.Steps = state, epoch+1, b.now.UnixMicro(), text, int64(b.lastStep(r.Seq).Number)
	n.Merging, n.Pause, n.Parked, n.Wake, n.Park = false, 0, 0, 0, nil
	if park.Lane != "" {
		n.Lane = park.Lane
		b.inLane(n)
	}
	if waited {
		b.stopWaiting(r.Seq)
	}
	b.live--
	b.endLease(r.Seq)
	b.move(Remove, r.Seq)
	return b.closeSteps(r.Seq)
}

// maxDebounce is how many lengths of a debounce later events can move the start of
// a run on, counted from its creation.
const maxDebounce = 10

// debounce merges an event into the run of its lane that is to start later, or
// makes that run.
func (b *batch) debounce(receipt *journal.Receipt, n newRun, hook *journal.Hook) error {
	n.overlap = overlapOf(hook.Overlap)
	length := hook.Debounce.Microseconds()
	n.wake = b.now.UnixMicro() + max(length, 1)
	key := LaneKey{n.hook.ID, n.lane}
	loaded, err := b.merging.get(key, &b.want.Merging)
	if err != nil {
		return err
	}
	all, err := b.ofLane(key, loaded, func(r *Run) bool { return r.State.Live() && r.Merging })
	if err != nil {
		return err
	}
	var into *Run
	if len(all) > 0 {
		into = all[len(all)-1]
	}
	if into == nil || into.State == Queued && !b.reserve(into) { // leased: its event can no longer change
		receipt.Runs = append(receipt.Runs, b.id(b.addRun(n).Seq))
		return nil
	}
	merged := into.Event
	r := b.edit(into)
	if r.State == Later {
		r.Wake = min(n.wake, r.Created+maxDebounce*length)
		b.wakeAt(r.Wake)
	}
	r.Event, r.Matched, r.Overlap = n.event, n.version, n.overlap
	b.changes.Merged = append(b.changes.Merged, Merged{merged, r.Seq})
	receipt.Merged = append(receipt.Merged, b.id(r.Seq))
	return nil
}

// queueNow queues, pauses or skips a debounced run whose start is due.
func (b *batch) queueNow(r *Run) error {
	pause, err := b.pauseOfLater(r)
	switch {
	case err != nil:
		return err
	case pause != 0:
		b.pauseNow(r, pause)
		return nil
	}
	lane := r.Lane
	switch r.Overlap {
	case Parallel:
		lane = ""
	case Skip, Replace:
		skip, _, err := b.applyOverlap(r.Overlap, LaneKey{r.Hook, r.Lane}, r.Seq)
		if err != nil {
			return err
		}
		if skip != 0 {
			return b.end(r, Skipped, &journal.Problem{Message: fmt.Sprintf("run %s of its lane was not over", b.id(skip))})
		}
	}
	b.queueAgain(r, lane)
	return nil
}
