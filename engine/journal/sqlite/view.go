package sqlite

import (
	"context"
	"database/sql"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// queryer is a pool of connections to the file, or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// view reads the file: each query its newest state, or all of them the same one.
type view struct {
	db   queryer
	salt uint16
	// leases returns the leases of the store; without a store there are none.
	leases func() map[int64]ledger.Lease
}

// snapshot calls read with a view of which all queries read the same state: a run
// whose state changes meanwhile is in its state before or after.
func (r *Reader) snapshot(ctx context.Context, read func(view) error) error {
	tx, err := r.pool.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	leases := r.leases()
	return read(view{db: tx, salt: r.salt, leases: func() map[int64]ledger.Lease { return leases }})
}

// list returns the rows that a query selects. one reads a row.
func list[T any](ctx context.Context, db queryer, one func(row *sql.Rows) (T, error), query string, args ...any) (all []T, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		value, err := one(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, rows.Err()
}

// value reads a row of one column.
func value[T any](row *sql.Rows) (v T, err error) {
	err = row.Scan(&v)
	return v, err
}

func (v view) seqs(ctx context.Context, query string, args ...any) ([]int64, error) {
	return list(ctx, v.db, value[int64], query, args...)
}

func (v view) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	return list(ctx, v.db, value[string], query, args...)
}
