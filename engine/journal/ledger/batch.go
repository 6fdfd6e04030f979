package ledger

import (
	"context"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// batch is the data of one transaction: the rows that were loaded, and over them
// what the tasks have decided so far.
type batch struct {
	*Ledger
	now  time.Time
	want Want
	rows Rows

	// Rows.
	tables    []rowTable // all of these
	hooks     table[HookName, Hook]
	versions  table[string, int64]
	ids       table[string, bool]
	events    table[int64, *journal.Event]
	types     table[int64, string]
	runs      table[int64, *Run]
	lasts     map[int64]Last
	lanes     table[LaneKey, []int64]
	merging   table[LaneKey, []int64]
	replacers table[LaneKey, int64]
	due       []int64
	paused    []int64
	steps     table[StepKey, StepRow]
	begun     table[StepKey, int]
	awaited   table[string, []AwaitKey]
	awaits    table[AwaitKey, []int64]
	missed    []MissedEvent
	approvals table[string, *Approval]
	known     knownTable
	changed   table[ChangedKey, Changed]
	sightings table[SightingKey, change.Sighting]
	open      table[int64, []int]
	deferred  table[StepKey, []Deferred]
	values    table[StateKey, []byte]
	links     linkTable
	floods    table[string, Flood]

	// What the tasks decided.
	changeCount int // of changes and moves
	live        int
	last        int64
	laneRuns    map[LaneKey][]int64 // new in a lane, or changed there
	lastsNow    map[int64]Last
	opened      map[int64][]int // new open steps of runs, as in Want.Open
	leaseEnded  map[int64]bool  // runs whose lease the batch ends
	newSteps    table[StepKey, *Step]
	endSteps    table[StepKey, EndStep]
	changes     Changes

	// What is applied after COMMIT.
	moves      []Move
	wakes      []int64
	newRules   []HookName
	timerFired bool // the runs that were due are woken
	nextWake   int64
}

// rowTable is a table of any kind.
type rowTable interface {
	init()
	reset()
	clear()
}

func (b *batch) init(l *Ledger) {
	b.Ledger = l
	b.tables = []rowTable{
		&b.hooks, &b.versions, &b.ids, &b.events, &b.types, &b.runs, &b.lanes, &b.merging, &b.replacers, &b.steps, &b.begun, &b.awaited, &b.awaits,
		&b.approvals, &b.known, &b.changed, &b.sightings, &b.open, &b.deferred, &b.values, &b.links, &b.floods, &b.newSteps, &b.endSteps,
	}
	for _, t := range b.tables {
		t.init()
	}
	b.lasts, b.lastsNow, b.laneRuns = map[int64]Last{}, map[int64]Last{}, map[LaneKey][]int64{}
	b.opened, b.leaseEnded = map[int64][]int{}, map[int64]bool{}
}

// clear empties a batch.
func (b *batch) clear() {
	for _, t := range b.tables {
		t.clear()
	}
	clear(b.lasts)
	b.missed = empty(b.missed)
	b.due, b.paused = nil, nil
	b.want.reset()
	b.reset()
}

// reset drops what the tasks decided.
func (b *batch) reset() {
	for _, t := range b.tables {
		t.reset()
	}
	clear(b.lastsNow)
	clear(b.laneRuns)
	clear(b.opened)
	clear(b.leaseEnded)
	b.changes.reset()
	b.changeCount = 0
	b.moves, b.wakes, b.newRules, b.timerFired = empty(b.moves), b.wakes[:0], empty(b.newRules), false
}

// load loads the rows that b.want names.
func (b *batch) load(ctx context.Context, tx Tx) error {
	w, r := &b.want, &b.rows
	defer w.reset()
	defer r.reset()
	if err := tx.Load(ctx, w, r); err != nil {
		return err
	}
	b.hooks.fill(w.Hooks, r.Hooks)
	b.versions.fill(w.Versions, r.Versions)
	b.ids.fill(w.IDs, r.IDs)
	b.events.fill(w.Events, r.Events)
	b.types.fill(w.Types, r.Types)
	for i, seq := range w.Runs {
		b.addRow(seq, r.Runs[i])
	}
	for i := range w.Lanes {
		b.lanes.fill(w.Lanes[i:i+1], [][]int64{b.addRows(r.Lanes[i])})
	}
	for i := range w.Merging {
		b.merging.fill(w.Merging[i:i+1], [][]int64{b.addRows(r.Merging[i])})
	}
	b.replacers.fill(w.Replacers, r.Replacers)
	if w.Due.Limit > 0 {
		b.due, b.nextWake = b.addRows(r.Due), r.Next
	}
	if w.Paused.Limit > 0 {
		b.paused = b.addRows(r.Paused)
	}
	b.steps.fill(w.Steps, r.Steps)
	b.begun.fill(w.Begun, r.Begun)
	b.awaited.fill(w.Awaited, r.Awaited)
	b.awaits.fill(w.Awaits, r.Awaits)
	b.missed = append(b.missed, r.Missed...)
	b.approvals.fill(w.Approvals, r.Approvals)
	b.known.fill(w.Known, r.Known)
	b.changed.fill(w.Changed, r.Changed)
	b.sightings.fill(w.Sightings, r.Sightings)
	b.open.fill(w.Open, r.Open)
	b.deferred.fill(w.Deferred, r.Deferred)
	b.values.fill(w.States, r.States)
	b.links.fill(w.Links, r.Links)
	b.floods.fill(w.Floods, r.Floods)
	return nil
}

func (b *batch) addRow(seq int64, row RunRow) {
	b.runs.load(seq, row.Run)
	b.lasts[seq] = row.Last
}

func (b *batch) addRows(rows []RunRow) []int64 {
	seqs := make([]int64, len(rows))
	for i, row := range rows {
		seqs[i] = row.Run.Seq
		b.addRow(row.Run.Seq, row)
	}
	return seqs
}

// seq returns the next number of a row: the time in microseconds since 1970, or
// the last number plus one if that is greater.
func (b *batch) seq() int64 {
	b.last = max(b.last+1, b.now.UnixMicro())
	return b.last
}

// run returns the row of a run, nil if there is none.
func (b *batch) run(seq int64) (*Run, error) { return b.runs.get(seq, &b.want.Runs) }

// edit returns the row of a loaded run to change.
func (b *batch) edit(r *Run) *Run {
	b.changeCount++
	if staged, again := b.runs.staged[r.Seq]; again {
		return staged
	}
	changed := *r
	b.runs.set(r.Seq, &changed)
	b.inLane(&changed)
	return &changed
}

// add adds the row of a new run.
func (b *batch) add(r *Run) {
	b.changeCount++
	b.runs.set(r.Seq, r)
	b.inLane(r)
}

// inLane records that the batch changes a run of a lane.
func (b *batch) inLane(r *Run) {
	if r.Lane != "" {
		key := LaneKey{r.Hook, r.Lane}
		b.laneRuns[key] = append(b.laneRuns[key], r.Seq)
	}
}

// ofLane returns the runs of a lane that match, in the order of their numbers:
// those of loaded, and those that the batch added or changed.
func (b *batch) ofLane(key LaneKey, loaded []int64, match func(*Run) bool) (all []*Run, err error) {
	seqs := append(slices.Clone(loaded), b.laneRuns[key]...)
	for _, seq := range sorted(seqs) {
		r, err := b.run(seq)
		if err != nil {
			return nil, err
		}
		if r.Lane == key.Lane && r.Hook == key.Hook && match(r) {
			all = append(all, r)
		}
	}
	return all, nil
}

// lastStep returns the last step of a run whose row is loaded or new.
func (b *batch) lastStep(seq int64) Last {
	if last, changed := b.lastsNow[seq]; changed {
		return last
	}
	return b.lasts[seq]
}

func (b *batch) setLast(seq int64, number int, begun bool) {
	b.lastsNow[seq] = Last{number, begun}
}

// lease returns the lease of a run with an epoch, and the run. It refuses an epoch
// whose lease has ended.
func (b *batch) lease(seq, epoch int64) (Lease, *Run, error) {
	r, err := b.run(seq)
	switch {
	case err != nil:
		return Lease{}, nil, err
	case r == nil:
		return Lease{}, nil, refuse(journal.ErrNotFound)
	}
	lease, leased := b.dispatch.Lease(seq)
	if !leased || lease.Epoch != epoch || b.leaseEnded[seq] {
		return Lease{}, nil, refuse(journal.ErrFenced)
	}
	return lease, r, nil
}

// endLease ends the lease of a run, if it has one.
func (b *batch) endLease(seq int64) { b.leaseEnded[seq] = true }

func (b *batch) move(kind MoveKind, seq int64) {
	b.changeCount++
	b.moves = append(b.moves, Move{Kind: kind, Seq: seq})
}

// wakeAt records that a run is due at a time; zero for never.
func (b *batch) wakeAt(at int64) {
	if at != 0 {
		b.wakes = append(b.wakes, at)
	}
}

// net returns the changes that the tasks decided, nil if there are none.
func (b *batch) net() *Changes {
	if b.changeCount == 0 {
		return nil
	}
	c := &b.changes
	for _, seq := range b.runs.order {
		r := b.runs.staged[seq]
		if before := b.runs.loaded[seq].value; before == nil {
			c.NewRuns = append(c.NewRuns, r)
		} else {
			c.Runs = append(c.Runs, RunChange{before, r})
		}
	}
	for _, key := range b.newSteps.order {
		c.Steps = append(c.Steps, b.newSteps.staged[key])
	}
	for _, key := range b.endSteps.order {
		c.EndSteps = append(c.EndSteps, b.endSteps.staged[key])
	}
	for run, last := range b.lastsNow {
		c.Lasts = append(c.Lasts, LastStep{run, last})
	}
	for _, rows := range b.known.rows {
		c.Known = append(c.Known, rows...)
	}
	for _, key := range b.changed.order {
		c.Changed = append(c.Changed, ChangedRow{key, b.changed.staged[key].Value})
	}
	for _, key := range b.sightings.order {
		c.Sightings = append(c.Sightings, b.sightingRow(key))
	}
	for _, key := range b.deferred.order {
		c.DropDeferred = append(c.DropDeferred, key)
		c.Deferred = append(c.Deferred, b.deferred.staged[key]...)
	}
	for _, key := range b.values.order {
		c.States = append(c.States, StateRow{key, b.value(b.values.staged[key])})
	}
	for _, trigger := range b.floods.order {
		c.Floods = append(c.Floods, FloodRow{trigger, b.floods.staged[trigger]})
	}
	c.Live, c.Last = b.live, b.last
	return c
}
