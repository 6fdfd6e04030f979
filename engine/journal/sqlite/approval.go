package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

func checkApproval(a *journal.Approval) error {
	switch {
	case a.ID == "" || len(a.ID) > maxID:
		return fmt.Errorf("an approval needs an id of at most %d bytes", maxID)
	case len(a.Choices) == 0:
		return fmt.Errorf("approval %q offers no choice", a.ID)
	}
	return nil
}

// ask keeps an approval. Its id is known already where the step is made again.
func (w *writer) ask(a *journal.Approval, run int64, step int) error {
	choices, err := json.Marshal(a.Choices)
	if err != nil {
		return err
	}
	_, err = w.sql.addApproval.run(a.ID, run, int64(step), a.Title, a.Text, choices, w.time.UnixMicro(), micro(a.Expires))
	return err
}

// decision gives the decision about an approval, nil while there is none.
func (w *writer) decision(id string) (made json.RawMessage, err error) {
	err = w.sql.findDecision.each(func(row []driver.Value) error {
		var d journal.Decision
		d.Choice, d.By, d.Note, d.At = row[0].(string), row[1].(string), row[2].(string), fromMicro(row[3].(int64))
		made, err = json.Marshal(d)
		return err
	}, id)
	return made, err
}

type decideTask struct {
	ticket
	approval journal.Approval
	decision journal.Decision
	run      int64
}

// Decide implements journal.Store.
func (s *Store) Decide(ctx context.Context, id string, d journal.Decision) (journal.Approval, error) {
	fail := func(a journal.Approval, err error) (journal.Approval, error) {
		return a, fmt.Errorf("decide approval %q: %w", id, err)
	}
	a, run, err := s.approval(ctx, id)
	if err != nil {
		return journal.Approval{}, s.fail(fmt.Sprintf("decide approval %q", id), err)
	}
	if !slices.Contains(a.Choices, d.Choice) {
		return fail(a, &bindings.Error{Kind: bindings.Invalid,
			Message: fmt.Sprintf("there is no choice %q; there are %s", d.Choice, strings.Join(a.Choices, ", "))})
	}
	t := &decideTask{ticket: newTicket(), approval: a, decision: d, run: run}
	err = s.writer.queue.do(ctx, t)
	if err == nil || errors.Is(err, journal.ErrDecided) || errors.Is(err, journal.ErrExpired) {
		// What stands, whoever wrote it.
		var readErr error
		if a, _, readErr = s.approval(ctx, id); readErr != nil {
			err = errors.Join(err, readErr)
		}
	}
	if err != nil {
		return fail(a, err)
	}
	return a, nil
}

func (t *decideTask) apply(w *writer) error {
	id := t.approval.ID
	made, err := w.decision(id)
	if err != nil {
		return err
	}
	s, err := w.standing(t.run)
	if err != nil {
		return err
	}
	switch {
	case made != nil:
		t.refused = journal.ErrDecided
	case s == nil:
		t.refused = fmt.Errorf("%w: its run is over", journal.ErrExpired)
	case s.state >= succeeded:
		t.refused = fmt.Errorf("%w: its run is over, it is %s", journal.ErrExpired, stateOf(s.state))
	case !t.approval.Expires.IsZero() && !w.time.Before(t.approval.Expires):
		t.refused = journal.ErrExpired
	}
	if t.refused != nil {
		return nil
	}
	d := t.decision
	at := w.time
	if !d.At.IsZero() {
		at = d.At
	}
	if _, err := w.sql.decide.run(id, d.Choice, d.By, d.Note, at.UnixMicro()); err != nil {
		return err
	}
	if made, err = w.decision(id); err != nil {
		return err
	}
	var runs []int64
	err = w.sql.findAwaits.each(func(row []driver.Value) error {
		runs = append(runs, row[0].(int64))
		return nil
	}, approvalTrigger, "", id)
	if err != nil {
		return err
	}
	for _, run := range runs {
		s, err := w.standing(run)
		if err != nil {
			return err
		}
		if s != nil && s.state == waiting && s.park.Await.Approval == id {
			if err := w.wake(s, outcome{result: made}); err != nil {
				return err
			}
		}
	}
	return nil
}

const selectApproval = `SELECT id, run, step, title, text, choices, created, expires, choice, by, note, decided FROM approval `

func (r *Reader) approvals(ctx context.Context, condition string, args ...any) (all []journal.Approval, runs []int64, err error) {
	rows, err := r.db.QueryContext(ctx, selectApproval+condition, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a journal.Approval
		var run, created int64
		var choices []byte
		var expires, decided sql.NullInt64
		var choice, by, note sql.NullString
		if err := rows.Scan(&a.ID, &run, &a.Step, &a.Title, &a.Text, &choices, &created, &expires, &choice, &by, &note, &decided); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(choices, &a.Choices); err != nil {
			return nil, nil, err
		}
		a.Run, a.Created, a.Expires = journal.RunID(run, r.salt), fromMicro(created), moment(expires)
		if choice.Valid {
			a.Decision = &journal.Decision{Choice: choice.String, By: by.String, Note: note.String, At: moment(decided)}
		}
		all, runs = append(all, a), append(runs, run)
	}
	return all, runs, rows.Err()
}

func (r *Reader) approval(ctx context.Context, id string) (journal.Approval, int64, error) {
	all, runs, err := r.approvals(ctx, `WHERE id = ?`, id)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return journal.Approval{}, 0, err
	}
	return all[0], runs[0], nil
}

// Approval implements journal.Reader.
func (r *Reader) Approval(ctx context.Context, id string) (journal.Approval, error) {
	a, _, err := r.approval(ctx, id)
	if err != nil {
		return a, r.fail(fmt.Sprintf("read approval %q", id), err)
	}
	return a, nil
}

// Approvals implements journal.Reader.
func (r *Reader) Approvals(ctx context.Context) ([]journal.Approval, error) {
	all, _, err := r.approvals(ctx, `WHERE choice IS NULL AND (SELECT state FROM run WHERE seq = run) < 8 ORDER BY created, id`)
	if err != nil {
		return nil, r.fail("list approvals", err)
	}
	return all, nil
}
