package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

func (r *Reader) approvals(ctx context.Context, condition string, args ...any) ([]journal.Approval, error) {
	return list(ctx, r.db, func(row *sql.Rows) (a journal.Approval, err error) {
		var run, created int64
		var choices []byte
		var expires, decided sql.NullInt64
		var choice, by, note sql.NullString
		if err := row.Scan(&a.ID, &run, &a.Step, &a.Title, &a.Text, &choices, &created, &expires, &choice, &by, &note, &decided); err != nil {
			return a, err
		}
		a.Run, a.Created, a.Expires = journal.RunID(run, r.salt), ledger.Time(created), moment(expires)
		if choice.Valid {
			a.Decision = &journal.Decision{Choice: choice.String, By: by.String, Note: note.String, At: moment(decided)}
		}
		err = json.Unmarshal(choices, &a.Choices)
		return a, err
	}, `SELECT id, run, step, title, text, choices, created, expires, choice, by, note, decided FROM approval `+condition, args...)
}

func (r *Reader) deliveries(ctx context.Context, approval string) ([]journal.Delivery, error) {
	return list(ctx, r.db, func(row *sql.Rows) (journal.Delivery, error) {
		d := journal.Delivery{Approval: approval}
		var message []byte
		err := row.Scan(&d.Connection, &message)
		if err == nil && message != nil {
			err = json.Unmarshal(message, &d.Message)
		}
		return d, err
	}, `SELECT connection, message FROM delivery WHERE approval = ? ORDER BY run, step`, approval)
}

// Approval implements journal.Reader.
func (r *Reader) Approval(ctx context.Context, id string) (journal.Approval, error) {
	all, err := r.approvals(ctx, `WHERE id = ?`, id)
	if err == nil && len(all) == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return journal.Approval{}, r.fail(fmt.Sprintf("read approval %q", id), err)
	}
	if all[0].Deliveries, err = r.deliveries(ctx, id); err != nil {
		return journal.Approval{}, r.fail(fmt.Sprintf("read approval %q", id), err)
	}
	return all[0], nil
}

// Approvals implements journal.Reader.
func (r *Reader) Approvals(ctx context.Context) ([]journal.Approval, error) {
	all, err := r.approvals(ctx, `WHERE choice IS NULL AND (SELECT state FROM run WHERE seq = run) < 8 ORDER BY created, id`)
	if err != nil {
		return nil, r.fail("list approvals", err)
	}
	return all, nil
}
