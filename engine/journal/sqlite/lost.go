package sqlite

import (
	"context"
	"errors"

	"modernc.org/sqlite"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
)

// saveLog writes the log to the database, once, if the log was removed and the
// database is still that in the folder, which has all commits then.
func (t *tx) saveLog(lost error) {
	var replaced *datafile.ReplacedError
	if t.logSaved || !errors.As(lost, &replaced) {
		return
	}
	t.logSaved = true
	// The file at the path of the log is no longer that of SQLite, which would
	// remove it.
	if _, err := t.conn.raw.(sqlite.FileControl).FileControlPersistWAL("main", 1); err != nil {
		t.log.Error("a file may be removed that is not the engine's", "path", replaced.Path, "error", err)
	}
	if !replaced.LogOnly {
		return
	}
	if err := t.conn.run(`PRAGMA wal_checkpoint`); err != nil {
		t.log.Error("the commits of a log that was removed could not be written to the database", "error", err)
	}
	t.guard.RecordNow() // so that a copy of the log is not read again
}

// Check returns why nothing may be acknowledged or sent until the journal is
// opened again: journal.ErrReplaced or journal.ErrFenced, nil if all may be. It
// makes no read or write.
func (s *Store) Check() error {
	err := s.tx.guard.Check()
	if err != nil {
		s.Fail(err)
	}
	return err
}

// MaySend returns why no app may be called, nil if one may: what Check returns, or
// returned within the last 10 ms.
func (s *Store) MaySend() error {
	err := s.tx.guard.CheckOften()
	if err != nil {
		s.Fail(err)
	}
	return err
}

// Health implements journal.Store.
func (s *Store) Health() journal.Health {
	_ = s.Check()
	return s.Ledger.Health()
}

// NeedsFile implements journal.Store. A lost store does not answer: the files beside
// it may be another engine's.
func (s *Store) NeedsFile(ctx context.Context, hash string) (bool, error) {
	if err := s.Check(); err != nil {
		return false, err
	}
	return s.Reader.NeedsFile(ctx, hash)
}

// Lost returns a channel that is closed when Check would return an error for the
// first time.
func (s *Store) Lost() <-chan struct{} { return s.tx.guard.Done() }
