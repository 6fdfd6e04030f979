package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// knownTable is what is known of records. A step under way has rows of its own
// beside the one of what is done.
type knownTable struct {
	table[RecordKey, KnownRows]
	rows         map[RecordKey][]*KnownRow // that the batch changes
	dropped      map[StepKey]bool          // steps whose rows are dropped
	writtenNouns map[RecordKey]bool        // nouns that the batch writes; without Record
}

func (t *knownTable) init() {
	t.table.init()
	t.rows, t.dropped, t.writtenNouns = map[RecordKey][]*KnownRow{}, map[StepKey]bool{}, map[RecordKey]bool{}
}

func (t *knownTable) reset() {
	clear(t.rows)
	clear(t.dropped)
	clear(t.writtenNouns)
}

func (t *knownTable) clear() {
	t.table.clear()
	t.reset()
}

// of gives the rows of a record, and of those of its noun without an id, what
// is done before what is under way. watched is false where no call ever wrote a
// record of the noun.
func (t *knownTable) of(key RecordKey, want *[]RecordKey) (rows []*KnownRow, watched bool, err error) {
	loaded, err := t.get(key, want)
	if err != nil {
		return nil, false, err
	}
	if !loaded.Written && !t.writtenNouns[RecordKey{key.Connection, key.Noun, ""}] {
		return nil, false, nil
	}
	nameless := RecordKey{key.Connection, key.Noun, ""}
	rows = append(rows, t.rows[key]...)
	if key.Record != "" {
		rows = append(rows, t.rows[nameless]...)
	}
	for i := range loaded.Rows {
		row := &loaded.Rows[i]
		changed := slices.ContainsFunc(rows, func(o *KnownRow) bool { return o.RecordKey == row.RecordKey && o.Step == row.Step })
		if !changed && !t.dropped[row.Step] {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b *KnownRow) int {
		return cmp.Or(cmp.Compare(a.Step.Run, b.Step.Run), cmp.Compare(a.Step.Number, b.Step.Number), cmp.Compare(a.Record, b.Record))
	})
	return rows, true, nil
}

func (t *knownTable) put(row *KnownRow) {
	rows := t.rows[row.RecordKey]
	i := slices.IndexFunc(rows, func(o *KnownRow) bool { return o.Step == row.Step })
	if i >= 0 {
		rows[i] = row
		return
	}
	t.rows[row.RecordKey] = append(rows, row)
}

// drop takes the rows of a step away.
func (t *knownTable) drop(step StepKey) {
	t.dropped[step] = true
	for key, rows := range t.rows {
		t.rows[key] = slices.DeleteFunc(rows, func(o *KnownRow) bool { return o.Step == step })
	}
}

// written notes what a call makes of a record: as under way with a begun mark,
// and with its answer as done.
func (b *batch) written(run int64, step *journal.Step, state journal.StepState, made *change.Written) error {
	key := StepKey{run, step.Number}
	if made == nil {
		return b.closeStep(key)
	}
	if err := b.putWritten(key, step, state, made); err != nil || state == journal.Begun {
		return err
	}
	return b.startDeferred(key)
}

func (b *batch) putWritten(key StepKey, step *journal.Step, state journal.StepState, made *change.Written) error {
	record := RecordKey{made.Connection, made.Noun, made.Record}
	rows, _, err := b.known.of(record, &b.want.Known)
	if err != nil {
		return err
	}
	var before *change.Known
	for _, row := range rows {
		if row.Step == (StepKey{}) {
			before = &row.Known
		}
	}
	row := KnownRow{RecordKey: record, Known: made.Over(before, step.Started, b.now)}
	if err := b.dropKnown(key); err != nil {
		return err
	}
	if state == journal.Begun {
		row.Step = key
		b.opened[key.Run] = append(b.opened[key.Run], key.Number)
	}
	b.known.writtenNouns[RecordKey{made.Connection, made.Noun, ""}] = true
	if made.Mark != nil && state != journal.Begun {
		if err := b.addSighting(made.Mark); err != nil {
			return err
		}
	}
	b.putKnown(&row)
	return nil
}

func (b *batch) putKnown(row *KnownRow) {
	b.changeCount++
	b.known.put(row)
}

// openSteps gives the steps of a run that have writes under way, or that defer
// events.
func (b *batch) openSteps(run int64) ([]int, error) {
	loaded, err := b.open.get(run, &b.want.Open)
	if opened := b.opened[run]; err == nil && len(opened) > 0 {
		return append(slices.Clone(opened), loaded...), nil
	}
	return loaded, err
}

// closeStep drops what was known only while a call was under way that came to
// nothing, as far as can be said.
func (b *batch) closeStep(step StepKey) error {
	if err := b.dropKnown(step); err != nil {
		return err
	}
	return b.startDeferred(step)
}

// closeSteps does so for the calls of a run that ends.
func (b *batch) closeSteps(run int64) error {
	open, err := b.openSteps(run)
	if err != nil {
		return err
	}
	return each(open, func(number int) error { return b.closeStep(StepKey{run, number}) })
}

// dropKnown takes away what is known by a call under way.
func (b *batch) dropKnown(step StepKey) error {
	open, err := b.openSteps(step.Run)
	if err != nil || !slices.Contains(open, step.Number) {
		return err
	}
	b.changeCount++
	b.known.drop(step)
	b.changes.DropKnown = append(b.changes.DropKnown, step)
	return nil
}

func report(e *journal.Event) *change.Report {
	return &change.Report{Type: e.Type, Account: e.Account, Record: e.Record, Time: e.Time, Data: e.Data, Webhook: e.Source == journal.Webhook}
}

// echo marks an event that brings just what a call of ours made of its record,
// or gives the call under way of which it may be one. What it brings is known
// from then on.
func (b *batch) echo(e *journal.Event, fields change.Fields) (underWay StepKey, err error) {
	n := noun(e)
	if n == "" {
		return underWay, nil
	}
	key := RecordKey{e.Connection, n, e.Record}
	rows, watched, err := b.known.of(key, &b.want.Known)
	if err != nil || !watched {
		return underWay, err
	}
	done := KnownRow{RecordKey: key}
	for _, row := range rows {
		row := *row
		if row.Step != (StepKey{}) {
			row.At = b.now // it may be done at any time until it is answered
		}
		switch heard := row.Hear(report(e), fields, b.now); {
		case heard && row.Step == StepKey{}:
			e.Echo = true
			b.putKnown(&row)
			return underWay, nil
		case heard:
			return row.Step, nil
		case row.Step == StepKey{}:
			done = row
		}
	}
	if done.At.IsZero() {
		done.Hear(report(e), fields, b.now)
	}
	b.putKnown(&done)
	return underWay, nil
}

// deferredRuns is what a deferred event would start.
type deferredRuns struct {
	Runs   []candidate   `json:"runs"`
	Fields change.Fields `json:"fields"`
}

// deferEvent notes what an event would start until a step is settled: only then
// can be said of which record the call was, and whether somebody else had
// changed it too.
func (b *batch) deferEvent(e Event, runs []candidate, fields change.Fields, step StepKey) error {
	text, err := json.Marshal(deferredRuns{runs, fields})
	if err != nil {
		return err
	}
	all, err := b.deferred.get(step, &b.want.Deferred)
	if err != nil {
		return err
	}
	b.changeCount++
	b.deferred.set(step, append(slices.Clone(all), Deferred{e, step, text}))
	b.opened[step.Run] = append(b.opened[step.Run], step.Number)
	return nil
}

// startDeferred starts the runs of the events that a step deferred, but for
// those that are its echoes by what is known of their records now.
func (b *batch) startDeferred(step StepKey) error {
	open, err := b.openSteps(step.Run)
	if err != nil || !slices.Contains(open, step.Number) {
		return err
	}
	all, err := b.deferred.get(step, &b.want.Deferred)
	if err != nil || len(all) == 0 {
		return err
	}
	b.changeCount++
	b.deferred.set(step, nil)
	return each(all, b.startDeferredRuns)
}

func (b *batch) startDeferredRuns(d Deferred) error {
	var runs deferredRuns
	if err := json.Unmarshal(d.Hooks, &runs); err != nil {
		return fmt.Errorf("event %q: what it was to start: %w", d.Event.ID, err)
	}
	e := *d.Event.Event
	underWay, err := b.echo(&e, runs.Fields)
	switch {
	case err != nil:
		return err
	case underWay != StepKey{}: // of another call
		return b.deferEvent(d.Event, runs.Runs, runs.Fields, underWay)
	case e.Echo:
		b.changeCount++
		b.changes.Echoes = append(b.changes.Echoes, d.Event.Seq)
	}
	var receipt journal.Receipt
	var more error
	for i := range runs.Runs {
		if more = combine(more, b.start(&receipt, d.Event.Seq, &e, &runs.Runs[i], false)); failed(more) {
			return more
		}
	}
	return more
}
