package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// Compiler compiles scripts and runs their top level, which registers hooks. A
// *vm.Machine is one.
type Compiler interface {
	Compile(name string, read func(name string) ([]byte, error)) (*vm.Program, error)
	Load(ctx context.Context, program *vm.Program, settings vm.Settings) ([]vm.Registration, error)
}

// Versions is what a Set needs of the journal.
type Versions interface {
	SetLive(ctx context.Context, versions []journal.Version, removed []string) error
	LiveScripts(ctx context.Context) (map[string]string, error)
	Version(ctx context.Context, hash string) (journal.Version, error)
}

// Config makes a Set. Dir and Machine are required.
type Config struct {
	Dir     string
	Machine Compiler
	// Params are the values of the scripts' params by script name, each a
	// JSON object.
	Params map[string]json.RawMessage
	// Zone is the time zone of schedules and of the scripts' time library;
	// nil means UTC.
	Zone *time.Location
	// Limits returns the bounds of a script's limits; nil: the defaults of package vm,
	// and ceilings of ten times those.
	Limits func(script string) Bounds
	// Apps are the apps whose triggers scripts can name.
	Apps []*bindings.App
	// Connections reports whether there is a connection of a name; nil: not checked.
	Connections func(name string) bool
	// Versions stores which versions are live, before their hooks can match an
	// event; nil stores none.
	Versions Versions
	// Rescan is how often the folder is scanned without an event of the file
	// system, as some have no such events; zero means 5 s.
	Rescan time.Duration
	// Debounce is how long no change must come before the folder is scanned, so
	// that files that are written together are loaded together; zero means 15 ms.
	// A scan is delayed by at most four times that.
	Debounce time.Duration
	// SettleTime is how long a file that is empty, smaller than before, gone or
	// has errors must be unchanged before it counts, as it may be half written.
	// Zero means 50 ms.
	SettleTime time.Duration
	// UnchangedTime is how long any other file that is written in place must be
	// unchanged between two scans. Both are doubled with each scan that finds a
	// change. Zero means 40 ms.
	UnchangedTime time.Duration
	// RemoveTime is how long a script's file must be gone before its hooks are,
	// as it may be made again. Zero means 2 s.
	RemoveTime time.Duration
	// CountRuns counts the runs of a version that have not ended: those bound to
	// it, and those not bound yet whose event its hooks matched. nil: a replaced
	// version counts as in use until the process ends.
	CountRuns func(ctx context.Context, version string) (bound, matched int, err error)
	Clock     clock.Clock // dates versions; nil means the machine's
	Log       *slog.Logger
}

// Set is the scripts of a folder. Make one with Open.
type Set struct {
	config     Config
	triggers   *triggers
	generation atomic.Pointer[Generation]
	versions   *versionCache
	files      *fileReads
	pinned     *pinnedAwaits

	mu       sync.Mutex // locked while the folder is scanned and loaded
	entries  map[string]*entry
	stored   map[string]string // the hash of the live version of each script, in the journal
	missing  bool              // the folder cannot be read
	problems []Problem         // of the folder, not of one script
	reported map[Problem]bool

	opened   time.Time
	unloaded atomic.Pointer[[]string] // see Unloaded
}

// Open loads all scripts. It returns an error if the folder cannot be read. A
// script with a problem is no error: it is logged and is in Problems, and the
// version of it that the journal has as the live one stays live.
func Open(ctx context.Context, c Config) (*Set, error) {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Rescan <= 0 {
		c.Rescan = 5 * time.Second
	}
	if c.Debounce <= 0 {
		c.Debounce = 15 * time.Millisecond
	}
	if c.SettleTime <= 0 {
		c.SettleTime = 50 * time.Millisecond
	}
	if c.UnchangedTime <= 0 {
		c.UnchangedTime = 40 * time.Millisecond
	}
	if c.RemoveTime <= 0 {
		c.RemoveTime = 2 * time.Second
	}
	c.Clock = clock.OrSystem(c.Clock)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the scripts folder %q: %w", c.Dir, err)
	}
	c.Dir = dir
	s := &Set{
		config: c, triggers: newTriggers(c.Apps), versions: newVersionCache(maxCachedVersions), files: newFileReads(), pinned: &pinnedAwaits{},
		entries: map[string]*entry{}, reported: map[Problem]bool{}, opened: c.Clock.Now(),
	}
	s.generation.Store(newGeneration(map[string]*Script{}, s.triggers, s.pinned))
	t, err := scan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the scripts folder %q does not exist; make it, or name another", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("read the scripts folder %q: %w", dir, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Versions != nil {
		if s.stored, err = c.Versions.LiveScripts(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := s.apply(ctx, t, scanMode{opening: true}); err != nil {
		return nil, err
	}
	for name := range c.Params {
		if s.entries[name] == nil {
			c.Log.Warn("the configuration has params for a script that does not exist", "script", name)
		}
	}
	return s, nil
}

// Generation returns the scripts that are live now.
func (s *Set) Generation() *Generation { return s.generation.Load() }

// Problems returns the reasons why scripts or files are not live as they are in
// the folder.
func (s *Set) Problems() []Problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.allProblems()
}

// Retry loads unchanged scripts again that could not be loaded: what they need,
// such as a connection, may exist now.
func (s *Set) Retry(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := scan(s.config.Dir)
	if err != nil {
		return fmt.Errorf("read the scripts folder %q: %w", s.config.Dir, err)
	}
	_, err = s.apply(ctx, t, scanMode{settle: true, retryFailed: true})
	return err
}

// Reload scans the folder and loads all changes at once. Unlike Watch, it does
// not wait for files that may be half written.
func (s *Set) Reload(ctx context.Context) (Report, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := scan(s.config.Dir)
	if err != nil {
		return Report{}, fmt.Errorf("read the scripts folder %q: %w", s.config.Dir, err)
	}
	s.missing = false
	result, err := s.apply(ctx, t, scanMode{reread: true})
	return result.report, err
}
