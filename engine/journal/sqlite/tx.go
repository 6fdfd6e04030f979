package sqlite

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// tx is the store of the ledger, and the transaction of the writer's connection.
// The ledger's goroutine uses it, except for Pack and ScanMissed.
type tx struct {
	conn     *conn
	sql      statements
	dispatch *dispatch.Dispatcher
	reader   *Reader
	log      *slog.Logger
	owner    int64
	salt     uint16
	memory
	guard    *datafile.Guard
	logSaved bool // saveLog was called

	// The changes of memory after COMMIT.
	afterCommit []func()
	filled      []bloomFilter   // of parts of ids that the transaction has filled
	ids         []ledger.ID     // written after these parts
	loaded      []ledger.RunRow // rows of runs that were read
	changes     *ledger.Changes
}

// Transact implements ledger.Store.
func (t *tx) Transact(ctx context.Context, f func(ledger.Tx) error) error {
	if err := t.guard.Err(); err != nil {
		t.saveLog(err)
		return err
	}
	if _, err := t.conn.begin.run(); err != nil {
		return explain(err)
	}
	err := t.stillOwner()
	if err == nil {
		err = f(t)
	}
	if err == nil {
		err = t.commit()
	}
	if err != nil {
		t.conn.undo()
	} else {
		t.commitMemory()
	}
	clear(t.afterCommit)
	clear(t.loaded)
	t.afterCommit, t.filled, t.ids, t.loaded, t.changes = t.afterCommit[:0], nil, t.ids[:0], t.loaded[:0], nil
	return explain(err)
}

// commit commits, and returns an error too if that was to files that are no longer
// those of the store.
func (t *tx) commit() error {
	if _, err := t.conn.commit.run(); err != nil {
		return err
	}
	t.guard.Record()
	return t.guard.Check()
}

// stillOwner returns journal.ErrFenced if another engine has opened the file since.
// The lock does not prevent that on some network drives.
func (t *tx) stillOwner() error {
	if t.guard.Unchanged() {
		return nil
	}
	owner, err := t.sql.owner.one()
	if err != nil {
		return err
	}
	if owner != t.owner {
		return t.guard.End(fmt.Errorf("%w: another engine opened the journal", journal.ErrFenced))
	}
	return nil
}

// committed calls f after COMMIT.
func (t *tx) committed(f func()) { t.afterCommit = append(t.afterCommit, f) }

// Probe implements ledger.Tx. The new row is written before the old one is deleted,
// so that it needs room of its own.
func (t *tx) Probe(context.Context) error {
	if _, err := t.sql.addProbe.run(); err != nil {
		return err
	}
	_, err := t.sql.dropProbes.run()
	return err
}

// Pack implements ledger.Store.
func (t *tx) Pack(text []byte) []byte { return pack(text) }
