package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Reader reads a journal, whether or not a store writes it at the same time.
type Reader struct {
	view
	path             string
	pool             *sql.DB
	selectActivation *sql.Stmt
	closed           atomic.Bool
}

var _ journal.Reader = (*Reader)(nil)

// OpenReader opens a journal for reading without a store. The engine that wrote it
// may have crashed.
func OpenReader(path string) (*Reader, error) {
	readOnly := CheckWritable(path)
	if readOnly == nil {
		return openReader(path, "ro")
	}
	if log, err := os.Stat(path + "-wal"); errors.Is(err, os.ErrNotExist) || err == nil && log.Size() == 0 {
		return openReader(path, immutable)
	}
	r, err := openReader(path, "ro")
	if err != nil && !errors.Is(err, ErrOlder) && !errors.Is(err, journal.ErrNewer) {
		err = fmt.Errorf("%w, and the journal was not closed, so that it can only be read in a copy of the folder (--data-dir): %w", readOnly, err)
	}
	return r, err
}

// OpenImmutable opens a journal that was closed, for reading while no engine opens
// it. Nothing is written, not even beside the file.
func OpenImmutable(path string) (*Reader, error) { return openReader(path, immutable) }

func openReader(path, mode string) (*Reader, error) {
	r, err := readerOf(path, mode)
	if err != nil {
		return nil, fmt.Errorf("read the journal %q: %w", path, err)
	}
	return r, nil
}

func readerOf(path, mode string) (*Reader, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is none, the engine makes it when it first starts: %w", os.ErrNotExist)
	} else if err != nil {
		return nil, err
	}
	texts, err := migrations()
	if err != nil {
		return nil, err
	}
	return newReader(path, mode, len(texts), nil)
}

// ErrOlder: a journal has to be brought up to date before it can be read.
var ErrOlder = errors.New("an older Tidewire wrote the journal")

// QuickCheck returns what is damaged in the file, as SQLite describes it.
func (r *Reader) QuickCheck(ctx context.Context) ([]string, error) {
	found, err := r.texts(ctx, `PRAGMA quick_check(5)`)
	if err != nil {
		return nil, r.fail("check the file", err)
	}
	if len(found) == 1 && found[0] == "ok" {
		return nil, nil
	}
	return found, nil
}

// Restored returns when the journal was last restored from a backup, zero for never.
func (r *Reader) Restored(ctx context.Context) (time.Time, error) {
	var at sql.NullInt64
	if err := r.db.QueryRowContext(ctx, `SELECT restored FROM store`).Scan(&at); err != nil {
		return time.Time{}, r.fail("read when the journal was restored", err)
	}
	return moment(at), nil
}

// Files returns the hashes of all files that runs and events have, sorted.
func (r *Reader) Files(ctx context.Context) ([]string, error) {
	all, err := r.texts(ctx, `SELECT hash FROM file UNION SELECT hash FROM event_file ORDER BY hash`)
	if err != nil {
		return nil, r.fail("list the files of runs and events", err)
	}
	return all, nil
}

// maxReaders bounds the connections that read.
const maxReaders = 4

func openDB(path, mode string, pragmas ...string) (*sql.DB, error) {
	connector, err := sqlite.NewConnector(source(path, mode, pragmas...))
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

func newReader(path, mode string, known int, leases func() map[int64]ledger.Lease) (*Reader, error) {
	db, err := openDB(path, mode, "busy_timeout(10000)", "query_only(1)")
	if err != nil {
		return nil, err
	}
	r := &Reader{view: view{db: db, leases: leases}, path: path, pool: db}
	r.pool.SetMaxOpenConns(maxReaders)
	r.pool.SetMaxIdleConns(maxReaders)
	if r.leases == nil {
		r.leases = func() map[int64]ledger.Lease { return nil }
	}
	if err := r.prepare(known); err != nil {
		return nil, errors.Join(err, r.pool.Close())
	}
	return r, nil
}

func (r *Reader) prepare(known int) (err error) {
	var version int
	if err := r.pool.QueryRow(`PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	switch {
	case version > known:
		return newer(int64(version), known)
	case version < known:
		return fmt.Errorf("%w: it has version %d, this Tidewire reads %d; start the engine once to bring it up to date", ErrOlder, version, known)
	}
	if err := r.pool.QueryRow(`SELECT salt FROM store`).Scan(&r.salt); err != nil {
		return err
	}
	r.selectActivation, err = r.pool.Prepare(selectRun + `, e.type, e.source, e.record, e.echo, e.time, e.received, e.data, e.request
		FROM run r` + joinRun + ` WHERE r.seq = ?`)
	return err
}

// Close closes the file.
func (r *Reader) Close() error {
	r.closed.Store(true)
	return r.pool.Close()
}

// fail wraps an error with what was read, and with the journal's error of the same
// meaning.
func (r *Reader) fail(what string, err error) error {
	switch {
	case errors.Is(err, sql.ErrNoRows):
		err = journal.ErrNotFound
	case r.closed.Load():
		err = journal.ErrClosed
	default:
		err = explain(err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func moment(micros sql.NullInt64) time.Time {
	if !micros.Valid {
		return time.Time{}
	}
	return time.UnixMicro(micros.Int64).UTC()
}

// find returns the number of a run by its id.
func (v view) find(id string) (seq int64, err error) {
	seq, salt, ok := journal.ParseRunID(id)
	if !ok || salt != v.salt {
		return 0, sql.ErrNoRows
	}
	return seq, nil
}

// Run implements journal.Reader.
func (r *Reader) Run(ctx context.Context, id string) (journal.Run, []journal.Step, error) {
	var run journal.Run
	var steps []journal.Step
	err := r.snapshot(ctx, func(v view) (err error) {
		run, steps, err = v.run(ctx, id)
		return err
	})
	if err != nil {
		return journal.Run{}, nil, r.fail(fmt.Sprintf("read run %q", id), err)
	}
	return run, steps, nil
}

func (v view) run(ctx context.Context, id string) (journal.Run, []journal.Step, error) {
	seq, err := v.find(id)
	if err != nil {
		return journal.Run{}, nil, err
	}
	runs, err := v.runs(ctx, []int64{seq})
	if err != nil {
		return journal.Run{}, nil, err
	}
	if len(runs) == 0 {
		return journal.Run{}, nil, sql.ErrNoRows
	}
	if runs[0].Decisions, err = v.decisions(ctx, seq); err != nil {
		return journal.Run{}, nil, err
	}
	steps, err := v.steps(ctx, seq)
	return runs[0], steps, err
}

// decisions returns those about a run when it was held.
func (v view) decisions(ctx context.Context, run int64) ([]journal.CallDecision, error) {
	return list(ctx, v.db, func(row *sql.Rows) (d journal.CallDecision, err error) {
		var at int64
		err = row.Scan(&d.Resolution, &d.By, &d.Step, &at)
		d.At = ledger.Time(at)
		return d, err
	}, `SELECT resolution, decider, step, at FROM resolution WHERE run = ? ORDER BY rowid`, run)
}

// Event implements journal.Reader. The runs are in the order of acceptance.
func (r *Reader) Event(ctx context.Context, id string) (journal.Event, []journal.Run, error) {
	var event journal.Event
	var runs []journal.Run
	err := r.snapshot(ctx, func(v view) (err error) {
		event, runs, err = v.event(ctx, id)
		return err
	})
	if err != nil {
		return journal.Event{}, nil, r.fail(fmt.Sprintf("read event %q", id), err)
	}
	return event, runs, nil
}

func (v view) event(ctx context.Context, id string) (journal.Event, []journal.Run, error) {
	var seq int64
	if err := v.db.QueryRowContext(ctx, whereSeen, id).Scan(&seq); err != nil {
		return journal.Event{}, nil, err
	}
	events, err := v.events(ctx, `WHERE e.seq = ?`, seq)
	if err != nil {
		return journal.Event{}, nil, err
	}
	if len(events) == 0 {
		return journal.Event{}, nil, sql.ErrNoRows
	}
	seqs, err := v.seqs(ctx, `SELECT seq FROM run WHERE event = ?1 UNION ALL SELECT run FROM merged WHERE event = ?1
		ORDER BY 1`, seq)
	if err != nil {
		return journal.Event{}, nil, err
	}
	runs, err := v.runs(ctx, seqs)
	return events[0], runs, err
}
