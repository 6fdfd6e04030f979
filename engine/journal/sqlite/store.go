package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/dispatch"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// The defaults of Config.
const (
	DefaultMaxQueued = 500_000
	DefaultMemory    = 64 << 20
)

// Config opens a Store.
type Config struct {
	// Path is the journal's file. Open makes it if it does not exist; its folder
	// must exist. The lock file is in the same folder.
	Path string
	// Clock is the clock of the journal; nil means the machine's.
	Clock clock.Clock
	// Log receives messages for the operator; nil means no messages.
	Log *slog.Logger
	// MaxQueued bounds the runs that have not ended: Accept refuses more of them
	// with journal.ErrFull. Zero means DefaultMaxQueued.
	MaxQueued int
	// Memory bounds the bytes of events that are cached until their runs are
	// leased; other events are read from the file then. Zero means DefaultMemory.
	Memory int64

	wrap func(ledger.Store) ledger.Store // for tests
}

// Store is a journal.Store on one SQLite file.
type Store struct {
	*Reader
	*ledger.Ledger
	tx    *tx
	clock clock.Clock
	lock  *os.File

	closing sync.Once
	closed  error
}

// Open opens the journal, changes its file to the newest version, queues again the
// runs that a crash interrupted, and starts the writer.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	cfg.Clock = clock.OrSystem(cfg.Clock)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxQueued == 0 {
		cfg.MaxQueued = DefaultMaxQueued
	}
	if cfg.Memory == 0 {
		cfg.Memory = DefaultMemory
	}
	lockFile, last, err := lock(cfg.Path)
	if err != nil {
		return nil, err
	}
	err = datafile.Prepare(cfg.Path, lockFile, last, cfg.Clock.Now(), cfg.Log)
	var s *Store
	if err == nil {
		s, err = open(ctx, cfg, lockFile)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %q: %w", cfg.Path, explain(err)), lockFile.Close())
	}
	return s, nil
}

// The writer syncs at each commit. It writes the log to the file when the log has
// walPages pages, and truncates a log of more than walBytes.
const (
	walPages = 4_000
	walBytes = 64 << 20
)

func open(ctx context.Context, cfg Config, lockFile *os.File) (_ *Store, err error) {
	// As durable as fsync, and faster. On systems without fdatasync, as macOS and
	// Windows, SQLite syncs in its own way.
	if _, err := sqlite.Fdatasync(true); err != nil && !errors.Is(err, sqlite.ErrFdatasyncUnavailable) {
		return nil, err
	}
	if err := makeFile(cfg.Path); err != nil {
		return nil, err
	}
	if err := datafile.RemoveParts(filepath.Dir(cfg.Path)); err != nil {
		cfg.Log.Warn("what a backup left that was cut off could not be removed", "error", err)
	}
	c, err := connect(cfg.Path, "busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)",
		fmt.Sprintf("wal_autocheckpoint(%d)", walPages), fmt.Sprintf("journal_size_limit(%d)", walBytes),
		"cache_size(-16384)", "temp_store(MEMORY)")
	if err != nil {
		return nil, err
	}
	var files *datafile.Opened
	defer func() {
		switch {
		case err == nil:
		case files == nil:
			err = errors.Join(err, c.Close())
		default:
			err = errors.Join(err, files.BeforeClose(true), c.Close(), files.Close())
		}
	}()
	texts, err := migrations()
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, c, cfg.Path, texts); err != nil {
		return nil, err
	}
	t := &tx{conn: c, memory: newMemory(), log: cfg.Log}
	if err := t.sql.prepare(c); err != nil {
		return nil, err
	}
	start, err := t.load(ctx)
	if err != nil {
		return nil, err
	}
	if n := start.interrupted; n > 0 {
		cfg.Log.Warn("runs were cut off when the engine stopped; they go on", "count", n)
	}
	if t.live > 0 {
		cfg.Log.Info("runs wait from before", "count", t.live)
	}
	t.dispatch = dispatch.New(t.owner, cfg.Memory, cfg.Clock)
	for hook, script := range start.scripts {
		t.dispatch.SetScript(hook, script)
	}
	t.dispatch.Fill(start.runs)
	if files, err = datafile.Open(cfg.Path, lockFile); err != nil {
		return nil, err
	}
	files.Record()
	t.guard = datafile.NewGuard(files, t.dispatch.Close)
	if t.reader, err = newReader(cfg.Path, "ro", len(texts), t.dispatch.Leases); err != nil {
		return nil, err
	}
	store := ledger.Store(t)
	if cfg.wrap != nil {
		store = cfg.wrap(store)
	}
	l := ledger.New(ledger.Config{
		Store: store, Dispatch: &activations{t.dispatch, t.reader, t.guard}, Clock: cfg.Clock, Log: cfg.Log,
		MaxQueued: cfg.MaxQueued, Salt: t.salt, Wake: start.wake, Restored: start.restored,
	})
	return &Store{Reader: t.reader, Ledger: l, tx: t, clock: cfg.Clock, lock: lockFile}, nil
}

// makeFile makes the file if it does not exist. Only its owner may read it: it
// contains the data of customers. SQLite makes its log with the same permissions.
func makeFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	// The name must survive a power cut too. On systems where a folder cannot be
	// synced, as Windows, the file system ensures this.
	_ = folder.Sync()
	return folder.Close()
}

// randomSalt returns the salt of the run ids of a new file.
func randomSalt() int64 { return rand.Int64N(journal.MaxSalt + 1) }

// Close commits the waiting tasks, writes the log to the file and closes the file.
// Calls of Next that wait, and all later calls, return journal.ErrClosed.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.tx.dispatch.Close(journal.ErrClosed)
		s.Ledger.Close()
		if s.closed = s.close(); s.closed != nil {
			s.closed = fmt.Errorf("close %q: %w", s.path, explain(s.closed))
		}
	})
	return s.closed
}

// close closes the files. Those of a lost store may be another engine's now, and
// are left as they are.
func (s *Store) close() error {
	s.tx.guard.RecordNow() // a log that was cut since the last commit is noticed
	lost := s.tx.guard.Check()
	if lost != nil {
		s.tx.saveLog(lost)
	}
	err := errors.Join(s.tx.guard.BeforeClose(lost == nil), s.Reader.Close())
	if lost == nil {
		err = errors.Join(err, s.tx.conn.run(`PRAGMA wal_checkpoint(TRUNCATE)`))
	}
	var replaced *datafile.ReplacedError
	if errors.As(lost, &replaced) && replaced.Cut {
		return err // the end of the process closes the files
	}
	return errors.Join(err, s.tx.conn.Close(), s.tx.guard.Close(), s.lock.Close())
}

func (s *Store) inTransaction(ctx context.Context, f func(t *tx) error) error {
	return s.InTransaction(ctx, func(one ledger.Tx) error { return f(one.(*tx)) })
}
