package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
)

// writes is what memory holds of the table written, so that events and steps
// that have nothing to do with it do not read it.
type writes struct {
	nouns  map[string]bool      // "connection noun" of which there may be rows
	steps  map[writtenStep]bool // that have a row of a call under way
	doubts map[writtenStep]bool // that put events in doubt
}

type writtenStep struct {
	run    int64
	number int64
}

func (s *writes) load(nouns, steps, doubts *stmt) error {
	s.nouns, s.steps, s.doubts = map[string]bool{}, map[writtenStep]bool{}, map[writtenStep]bool{}
	err := nouns.each(func(row []driver.Value) error {
		s.nouns[row[0].(string)+" "+row[1].(string)] = true
		return nil
	})
	if err != nil {
		return err
	}
	for all, of := range map[*stmt]map[writtenStep]bool{steps: s.steps, doubts: s.doubts} {
		err := all.each(func(row []driver.Value) error {
			of[writtenStep{row[0].(int64), row[1].(int64)}] = true
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// knownRow is what is known of a record, in its place: step says by which call
// under way, and is empty for what is done and told.
type knownRow struct {
	journal.Known
	record string
	step   writtenStep
}

// known reads the rows of a record, what is done and told before what is under
// way, and those of which the vendor is still to give the id.
func (w *writer) known(connection, noun, record string) (rows []knownRow, err error) {
	err = w.sql.findWritten.each(func(v []driver.Value) error {
		one := knownRow{record: v[0].(string), step: writtenStep{v[1].(int64), v[2].(int64)}}
		one.Gone, one.At = v[3].(int64) == 1, fromMicro(v[6].(int64))
		data, _ := v[5].([]byte)
		one.Data = slices.Clone(data)
		rows = append(rows, one)
		return json.Unmarshal([]byte(v[4].(string)), &rows[len(rows)-1].Lore)
	}, connection, noun, record)
	return rows, err
}

func (w *writer) putKnown(connection, noun string, row *knownRow) error {
	lore, err := json.Marshal(row.Lore)
	if err != nil {
		return err
	}
	gone := int64(0)
	if row.Gone {
		gone = 1
	}
	_, err = w.sql.putWritten.run(connection, noun, row.record, row.step.run, row.step.number, gone, row.At.UnixMicro(), string(lore), blob(row.Data))
	return err
}

// written keeps what a call makes of a record: as under way with a begun mark,
// and with its answer as done.
func (w *writer) written(run int64, step *journal.Step, state journal.StepState, made *journal.Written) error {
	if made == nil {
		return w.settle(run, step.Number)
	}
	own := writtenStep{run, int64(step.Number)}
	if err := w.keepWritten(own, step, state, made); err != nil || state == journal.Begun {
		return err
	}
	return w.decide(own)
}

func (w *writer) keepWritten(own writtenStep, step *journal.Step, state journal.StepState, made *journal.Written) error {
	rows, err := w.known(made.Connection, made.Noun, made.Record)
	if err != nil {
		return err
	}
	row := knownRow{record: made.Record}
	var before *journal.Known
	for i := range rows {
		if (rows[i].step == writtenStep{}) {
			before = &rows[i].Known
		}
	}
	row.Known = made.Over(before, step.Started, w.time)
	if err := w.lift(own); err != nil {
		return err
	}
	if state == journal.Begun {
		row.step = own
		w.writes.steps[own] = true
		w.settled = slices.DeleteFunc(w.settled, func(s writtenStep) bool { return s == own })
	}
	w.writes.nouns[made.Connection+" "+made.Noun] = true
	if made.Mark != nil && state != journal.Begun {
		if err := w.show(made.Mark); err != nil {
			return err
		}
	}
	return w.putKnown(made.Connection, made.Noun, &row)
}

// settle lets go of what stood while a call was under way that came to nothing,
// as far as is known.
func (w *writer) settle(run int64, number int) error {
	step := writtenStep{run, int64(number)}
	if err := w.lift(step); err != nil {
		return err
	}
	return w.decide(step)
}

// settleAll does so for the calls of a run that ends.
func (w *writer) settleAll(run int64) error {
	for step := range w.writes.steps {
		if step.run == run {
			if err := w.settle(run, int(step.number)); err != nil {
				return err
			}
		}
	}
	return nil
}

// lift takes away what is known by a call under way.
func (w *writer) lift(step writtenStep) error {
	if !w.writes.steps[step] {
		return nil
	}
	if _, err := w.sql.dropWritten.run(step.run, step.number); err != nil {
		return err
	}
	w.settled = append(w.settled, step)
	return nil
}

// echo marks an event that tells just what a call of ours made of its record,
// or names the call under way of which it may be one. What it tells is known
// from then on.
func (w *writer) echo(e *journal.Event, fields journal.Fields) (doubt writtenStep, err error) {
	switch e.Source {
	case journal.Webhook, journal.Poll, journal.Reconcile:
	default:
		return doubt, nil
	}
	last := strings.LastIndexByte(e.Type, '.')
	if e.Record == "" || last < 0 || !w.writes.nouns[e.Connection+" "+e.Type[:last]] {
		return doubt, nil
	}
	noun := e.Type[:last]
	rows, err := w.known(e.Connection, noun, e.Record)
	if err != nil {
		return doubt, err
	}
	told := knownRow{record: e.Record}
	for i := range rows {
		row := rows[i]
		if row.step != (writtenStep{}) {
			row.At = w.time // it may be done at any time until it is answered
		}
		switch heard := row.Hear(e, fields, w.time); {
		case heard && row.step == writtenStep{}:
			e.Echo = true
			return doubt, w.putKnown(e.Connection, noun, &row)
		case heard:
			return row.step, nil
		case row.step == writtenStep{}:
			told = row
		}
	}
	if told.At.IsZero() {
		told.Hear(e, fields, w.time)
	}
	return doubt, w.putKnown(e.Connection, noun, &told)
}
