package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// standing is a run's row as the transaction leaves it.
type standing struct {
	seq, event, hook, state, epoch int64
	rule                           int64
	lane                           string
	overlap                        int64
	park                           parkBody
}

// parkBody is what the row of a run that stands says of it beside its columns.
type parkBody struct {
	Await *journal.Await `json:"await,omitempty"`
	Step  int            `json:"step,omitempty"`
}

func fromMicro(at int64) time.Time { return time.UnixMicro(at).UTC() }

// standing reads a run's row, nil where there is none.
func (w *writer) standing(seq int64) (s *standing, err error) {
	var body []byte
	err = w.sql.findRun.each(func(row []driver.Value) error {
		s = &standing{seq: seq, event: row[0].(int64), hook: row[1].(int64), lane: row[2].(string), state: row[3].(int64),
			epoch: row[4].(int64), overlap: row[5].(int64), rule: row[7].(int64)}
		body, _ = row[6].([]byte)
		if body == nil {
			return nil
		}
		return json.Unmarshal(body, &s.park)
	}, seq)
	return s, err
}

// outcome is what a wait ends with.
type outcome struct {
	result json.RawMessage
	err    *bindings.Error
	event  string
}

// happened is the outcome of a wait for an event.
func happened(e *journal.Event) outcome {
	table, err := e.Table()
	switch {
	case err != nil:
		return outcome{err: &bindings.Error{Kind: bindings.Invalid, Message: fmt.Sprintf("event %q cannot be shown: %v", e.ID, err)}, event: e.ID}
	case len(table) > journal.MaxValue:
		return outcome{err: tooLarge("event", len(table)), event: e.ID}
	}
	return outcome{result: table, event: e.ID}
}

// timeout is the outcome of a wait whose time came first.
func timeout(a *journal.Await) outcome {
	if a == nil {
		return outcome{}
	}
	return outcome{err: a.Timeout}
}

// wake ends a wait: it writes the record of its step and queues the run at the
// tail of its lane.
func (w *writer) wake(s *standing, o outcome) error {
	state, failure := journal.Done, []byte(nil)
	if o.err != nil {
		var err error
		if failure, err = json.Marshal(o.err); err != nil {
			return err
		}
		state = journal.Erred
	}
	result, err := w.put(pack(o.result))
	if err != nil {
		return err
	}
	if _, err := w.sql.endWait.run(s.seq, int64(s.park.Step), code(stepStates, state), result, blob(failure), event(o.event),
		w.time.UnixMicro()); err != nil {
		return err
	}
	if err := w.stopWaiting(s); err != nil {
		return err
	}
	return w.queueAgain(s, s.lane)
}

// stopWaiting lets go of what a waiting run is found by.
func (w *writer) stopWaiting(s *standing) error {
	if s.state != waiting {
		return nil
	}
	_, err := w.sql.dropAwaits.run(s.seq)
	return err
}

// queueAgain queues a run that is not in memory, at the tail of its lane.
func (w *writer) queueAgain(s *standing, lane string) error {
	if _, err := w.sql.queueRun.run(s.seq, w.seq(), lane); err != nil {
		return err
	}
	w.enter(&run{seq: s.seq, hook: s.hook, lane: lane, rule: s.rule, last: s.epoch + 1})
	return nil
}

// rouse queues a run that stands and owns its lane, first of it.
func (w *writer) rouse(s *standing) error {
	if _, err := w.sql.rouseRun.run(s.seq); err != nil {
		return err
	}
	r, _ := w.find(s.seq)
	if r == nil {
		return fmt.Errorf("run %d stands in its row but not in memory", s.seq)
	}
	k := w.change(r)
	k.known, k.written = false, false
	w.moves = append(w.moves, move{r, rouse})
	return nil
}
