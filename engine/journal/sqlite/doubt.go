package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// doubted is an event that may be an echo of a call under way. Its runs wait
// until the call is answered: only then is known of which record the call was,
// and whether somebody else had changed it too.
type doubted struct {
	Runs   []doubtedRun   `json:"runs"`
	Fields journal.Fields `json:"fields"`
}

type doubtedRun struct {
	Hook   *journal.Hook `json:"hook"`
	Lane   string        `json:"lane"`
	Passes bool          `json:"passes"`
}

// doubt keeps what an event would begin until a step is settled.
func (w *writer) doubt(seq int64, a *arrival, step writtenStep) error {
	d := doubted{Fields: a.fields}
	for _, j := range a.runs {
		d.Runs = append(d.Runs, doubtedRun{j.hook, j.lane, j.passes})
	}
	return w.putDoubt(seq, &d, step)
}

func (w *writer) putDoubt(seq int64, d *doubted, step writtenStep) error {
	text, err := json.Marshal(d)
	if err == nil {
		_, err = w.sql.addDoubt.run(seq, step.run, step.number, text)
	}
	w.writes.doubts[step] = true
	w.decided = slices.DeleteFunc(w.decided, func(s writtenStep) bool { return s == step })
	return err
}

// decide begins the runs of the events that a step had put in doubt, but for
// those that are its echoes by what is known of their records now.
func (w *writer) decide(step writtenStep) error {
	if !w.writes.doubts[step] {
		return nil
	}
	type held struct {
		seq   int64
		event *journal.Event
		doubted
	}
	var all []held
	err := w.sql.findDoubts.each(func(row []driver.Value) error {
		h := held{seq: row[0].(int64), event: eventOf(row[1:])}
		text, _ := row[10].([]byte)
		if err := json.Unmarshal(text, &h.doubted); err != nil {
			return fmt.Errorf("event %q: what it was to begin: %w", h.event.ID, err)
		}
		all = append(all, h)
		return nil
	}, step.run, step.number)
	if err != nil {
		return err
	}
	if _, err := w.sql.dropDoubts.run(step.run, step.number); err != nil {
		return err
	}
	w.decided = append(w.decided, step)
	for i := range all {
		if err := w.told(all[i].seq, all[i].event, &all[i].doubted); err != nil {
			return err
		}
	}
	return nil
}

// told does what became of an event that was in doubt.
func (w *writer) told(seq int64, e *journal.Event, d *doubted) error {
	doubt, err := w.echo(e, d.Fields)
	switch {
	case err != nil:
		return err
	case doubt != writtenStep{}:
		return w.putDoubt(seq, d, doubt) // of another call
	case e.Echo:
		if _, err := w.sql.markEcho.run(seq); err != nil {
			return err
		}
	}
	var receipt journal.Receipt
	for _, r := range d.Runs {
		if err := w.start(&receipt, seq, e, journey{r.Hook, r.Lane, r.Passes}, false); err != nil {
			return err
		}
	}
	return nil
}
