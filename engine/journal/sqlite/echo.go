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
	nouns map[string]bool      // "connection noun" of which there may be rows
	steps map[writtenStep]bool // that have a row of a call under way
}

type writtenStep struct {
	run    int64
	number int64
}

// writtenRule is how what was written is compared with what is told.
type writtenRule struct {
	Free    []string `json:"free,omitempty"`
	Version string   `json:"version,omitempty"`
	Verbs   []string `json:"verbs,omitempty"`
}

func (s *writes) load(nouns, steps *stmt) error {
	s.nouns, s.steps = map[string]bool{}, map[writtenStep]bool{}
	err := nouns.each(func(row []driver.Value) error {
		s.nouns[row[0].(string)+" "+row[1].(string)] = true
		return nil
	})
	if err != nil {
		return err
	}
	return steps.each(func(row []driver.Value) error {
		s.steps[writtenStep{row[0].(int64), row[1].(int64)}] = true
		return nil
	})
}

// written keeps what a call makes of a record: as under way with a begun mark,
// and with its answer as done.
func (w *writer) written(run int64, number int, state journal.StepState, made *journal.Written) error {
	if err := w.settle(run, number); err != nil || made == nil {
		return err
	}
	step := writtenStep{run, int64(number)}
	if state != journal.Begun {
		step = writtenStep{}
	}
	rule, err := json.Marshal(writtenRule{made.Free, made.Version, made.Verbs})
	if err != nil {
		return err
	}
	gone := int64(0)
	if made.Gone {
		gone = 1
	}
	if _, err := w.sql.putWritten.run(made.Connection, made.Noun, made.Record, step.run, step.number, gone, w.time.UnixMicro(),
		string(rule), blob(made.Data)); err != nil {
		return err
	}
	w.writes.nouns[made.Connection+" "+made.Noun] = true
	if step.run != 0 {
		w.writes.steps[step] = true
		w.settled = slices.DeleteFunc(w.settled, func(s writtenStep) bool { return s == step })
	}
	return nil
}

// settle lets go of what stood while a call was under way.
func (w *writer) settle(run int64, number int) error {
	step := writtenStep{run, int64(number)}
	if !w.writes.steps[step] {
		return nil
	}
	if _, err := w.sql.dropWritten.run(run, int64(number)); err != nil {
		return err
	}
	w.settled = append(w.settled, step)
	return nil
}

// echo marks an event that tells just what a call of ours made of its record.
// Another change of the record makes out of date what was known of it.
func (w *writer) echo(e *journal.Event) error {
	switch e.Source {
	case journal.Webhook, journal.Poll, journal.Reconcile:
	default:
		return nil
	}
	last := strings.LastIndexByte(e.Type, '.')
	if e.Record == "" || last < 0 || !w.writes.nouns[e.Connection+" "+e.Type[:last]] {
		return nil
	}
	type row struct {
		journal.Written
		run, number int64
	}
	var rows []row
	err := w.sql.findWritten.each(func(v []driver.Value) error {
		one := row{run: v[1].(int64), number: v[2].(int64)}
		one.Connection, one.Noun, one.Record = e.Connection, e.Type[:last], v[0].(string)
		one.Gone = v[3].(int64) == 1
		one.Data, _ = v[5].([]byte)
		rows = append(rows, one)
		last := &rows[len(rows)-1]
		var rule writtenRule
		err := json.Unmarshal([]byte(v[4].(string)), &rule)
		last.Free, last.Version, last.Verbs, last.At = rule.Free, rule.Version, rule.Verbs, fromMicro(v[6].(int64))
		return err
	}, e.Connection, e.Type[:last], e.Record)
	if err != nil {
		return err
	}
	for _, one := range rows {
		if !one.Echoes(e) {
			continue
		}
		e.Echo = true
		one.Learn(e)
		_, err := w.sql.learnWritten.run(one.Connection, one.Noun, one.Record, one.run, one.number, blob(one.Data))
		return err
	}
	_, err = w.sql.staleWritten.run(e.Connection, e.Type[:last], e.Record)
	return err
}
