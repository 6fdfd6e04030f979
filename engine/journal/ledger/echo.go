package ledger

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// knownTable is what calls wrote to records. A record has one row for all calls
// that are done, and one for each open step.
//
// A step is open from its begun record until its end is recorded: it has written
// to a record, or it has deferred events, or both.
type knownTable struct {
	table[RecordKey, KnownRows]
	rows         map[RecordKey][]*KnownRow // that the batch changes
	dropped      map[StepKey]bool          // steps whose rows are dropped
	writtenNouns map[RecordKey]bool        // nouns of which the batch adds rows; Record is empty
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

// of returns the rows of a record, and those of its noun without an id. The row of
// calls that are done is before those of open steps. written is false if no call
// ever wrote a record of the noun.
func (t *knownTable) of(key RecordKey, want *[]RecordKey) (rows []*KnownRow, written bool, err error) {
	loaded, err := t.get(key, want)
	if err != nil {
		return nil, false, err
	}
	if !loaded.Written && !t.writtenNouns[RecordKey{key.Connection, key.Noun, ""}] {
		return nil, false, nil
	}
	withoutID := RecordKey{key.Connection, key.Noun, ""}
	rows = append(rows, t.rows[key]...)
	if key.Record != "" {
		rows = append(rows, t.rows[withoutID]...)
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

// drop deletes the rows of a step.
func (t *knownTable) drop(step StepKey) {
	t.dropped[step] = true
	for key, rows := range t.rows {
		t.rows[key] = slices.DeleteFunc(rows, func(o *KnownRow) bool { return o.Step == step })
	}
}

// written stores what a call wrote to a record: as a row of its open step with a
// begun record, and in the row of the calls that are done with its answer.
func (b *batch) written(run int64, step *journal.Step, state journal.StepState, w *change.Written) error {
	key := StepKey{run, step.Number}
	if w == nil {
		return b.closeStep(key)
	}
	if err := b.putWritten(key, step, state, w); err != nil || state == journal.Begun {
		return err
	}
	return b.startDeferred(key)
}

func (b *batch) putWritten(key StepKey, step *journal.Step, state journal.StepState, w *change.Written) error {
	record := RecordKey{w.Connection, w.Noun, w.Record}
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
	row := KnownRow{RecordKey: record, Known: w.Apply(before, step.Started, b.now)}
	if err := b.dropKnown(key); err != nil {
		return err
	}
	if state == journal.Begun {
		row.Step = key
		b.opened[key.Run] = append(b.opened[key.Run], key.Number)
	}
	b.known.writtenNouns[RecordKey{w.Connection, w.Noun, ""}] = true
	if w.Fingerprint != nil && state != journal.Begun {
		if err := b.observeCall(w.Fingerprint, step.Started); err != nil {
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

// openSteps returns the open steps of a run.
func (b *batch) openSteps(run int64) ([]int, error) {
	loaded, err := b.open.get(run, &b.want.Open)
	if opened := b.opened[run]; err == nil && len(opened) > 0 {
		return append(slices.Clone(opened), loaded...), nil
	}
	return loaded, err
}

// closeStep ends an open step whose call failed, or whose result stays unknown:
// what the call was to write is dropped, and the deferred events start their runs.
func (b *batch) closeStep(step StepKey) error {
	if err := b.dropKnown(step); err != nil {
		return err
	}
	return b.startDeferred(step)
}

// closeSteps closes all open steps of a run that ends.
func (b *batch) closeSteps(run int64) error {
	open, err := b.openSteps(run)
	if err != nil {
		return err
	}
	return each(open, func(number int) error { return b.closeStep(StepKey{run, number}) })
}

// dropKnown deletes the rows of an open step.
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

// echo sets Echo of an event that contains only what a call of ours wrote to its
// record. If only the call of an open step can have written it, echo returns that
// step. Otherwise it stores the event's data in the row of the calls that are done.
func (b *batch) echo(e *journal.Event, fields change.Fields) (open StepKey, err error) {
	n := noun(e)
	if n == "" {
		return open, nil
	}
	key := RecordKey{e.Connection, n, e.Record}
	rows, written, err := b.known.of(key, &b.want.Known)
	if err != nil || !written {
		return open, err
	}
	done := KnownRow{RecordKey: key}
	for _, row := range rows {
		row := *row
		if row.Step != (StepKey{}) {
			row.At = b.now // the vendor may carry the call out at any time until it answers
		}
		switch isEcho := row.Observe(report(e), fields, b.now); {
		case isEcho && row.Step == StepKey{}:
			e.Echo = true
			b.putKnown(&row)
			return open, nil
		case isEcho:
			return row.Step, nil
		case row.Step == StepKey{}:
			done = row
		}
	}
	if done.At.IsZero() {
		done.Observe(report(e), fields, b.now)
	}
	b.putKnown(&done)
	return open, nil
}

// deferredRuns is the stored form of the runs that a deferred event may make.
type deferredRuns struct {
	Runs   []candidate   `json:"runs"`
	Fields change.Fields `json:"fields"`
}

// deferEvent stores which runs an event may make until an open step is closed.
// Only the answer to the step's call shows which record the call wrote, and
// whether somebody else has changed the record too.
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

// startDeferred makes the runs of the events that a step deferred. An event that
// is an echo by the rows of its record now makes runs only of hooks that want
// echoes.
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
		return fmt.Errorf("event %q: the runs that it was to start: %w", d.Event.ID, err)
	}
	e := *d.Event.Event
	open, err := b.echo(&e, runs.Fields)
	switch {
	case err != nil:
		return err
	case open != StepKey{}: // it may be the echo of another call
		return b.deferEvent(d.Event, runs.Runs, runs.Fields, open)
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
