package script_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

// timeout is how long a test waits for an expected change, on the slowest
// machine.
var timeout = clocktest.MaxWait

// shop is an app with a few triggers.
func shop(t testing.TB) *bindings.App {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(`
trigger shop.order.created {"vendor":"OrderCreate","record":"id"}
trigger shop.order.updated {"vendor":"OrderUpdate","record":"id"}
trigger shop.client.created {"vendor":"ClientCreate"}
trigger shop.menu.opened {"vendor":"MenuOpen","record":"id","respond_within":"2.5s"}
`))
	if err != nil {
		t.Fatal(err)
	}
	return &bindings.App{Name: "shop", Catalogue: catalogue}
}

// folder is a scripts folder with its set.
type folder struct {
	t   testing.TB
	dir string
	set *script.Set
	log *lines

	config script.Config // of the set

	mu    sync.Mutex
	saved []journal.Version // in the order in which they went live
}

// open writes and loads files, given as path, text, path, text.
func open(t testing.TB, files ...string) *folder {
	t.Helper()
	return openWith(t, script.Config{}, files...)
}

func openWith(t testing.TB, c script.Config, files ...string) *folder {
	t.Helper()
	// A folder below another, so that it can be moved away as a whole.
	f := &folder{t: t, dir: filepath.Join(t.TempDir(), "scripts"), log: &lines{more: make(chan struct{})}}
	if c.Dir != "" {
		f.dir = c.Dir
	}
	f.mkdir("")
	f.write(files...)
	c.Dir, c.Log = f.dir, slog.New(slog.NewTextHandler(f.log, nil))
	c.Apps = append(c.Apps, shop(t))
	if c.Machine == nil {
		c.Machine = vm.New(vm.Config{Apps: c.Apps})
	}
	if c.RemoveTime == 0 {
		c.RemoveTime = 50 * time.Millisecond
	}
	if c.Rescan == 0 {
		c.Rescan = time.Hour // changes must be found by the events of the file system
	}
	if c.Versions == nil {
		c.Versions = &versionStore{save: func(versions ...journal.Version) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.saved = append(f.saved, versions...)
			return nil
		}}
	}
	f.config = c
	var err error
	if f.set, err = script.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return f
}

// versionStore has versions in memory. save is called before it stores some.
type versionStore struct {
	save  func(versions ...journal.Version) error // nil: nothing is called
	mu    sync.Mutex
	all   map[string]journal.Version
	live  map[string]string
	calls int // of SetLive
}

func (v *versionStore) SetLive(_ context.Context, versions []journal.Version, removed []string) error {
	if v.save != nil {
		if err := v.save(versions...); err != nil {
			return err
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all, v.live = map[string]journal.Version{}, map[string]string{}
	}
	v.calls++
	for _, one := range versions {
		v.all[one.Hash], v.live[one.Script] = one, one.Hash
	}
	for _, name := range removed {
		delete(v.live, name)
	}
	return nil
}

func (v *versionStore) LiveScripts(context.Context) (map[string]string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	live := map[string]string{}
	maps.Copy(live, v.live)
	return live, nil
}

func (v *versionStore) Version(_ context.Context, hash string) (journal.Version, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	one, found := v.all[hash]
	if !found {
		return one, journal.ErrNotFound
	}
	return one, nil
}

// watch calls Watch until the test ends.
func (f *folder) watch() *folder {
	ctx, cancel := context.WithCancel(f.t.Context())
	done := make(chan error, 1)
	go func() { done <- f.set.Watch(ctx) }()
	f.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			f.t.Error(err)
		}
	})
	return f
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

func (f *folder) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

func (f *folder) mkdir(name string) {
	f.t.Helper()
	f.must(os.MkdirAll(f.path(name), 0o755))
}

// write writes files in place, given as path, text, path, text.
func (f *folder) write(files ...string) {
	f.t.Helper()
	for pair := range slices.Chunk(files, 2) {
		f.must(os.MkdirAll(filepath.Dir(f.path(pair[0])), 0o755))
		f.must(os.WriteFile(f.path(pair[0]), []byte(pair[1]), 0o644))
	}
}

func (f *folder) remove(name string) {
	f.t.Helper()
	f.must(os.Remove(f.path(name)))
}

func (f *folder) rename(from, to string) {
	f.t.Helper()
	f.must(os.Rename(f.path(from), f.path(to)))
}

// hooks returns the hooks of a generation as "script:hook script:hook".
func hooks(g *script.Generation) string {
	var names []string
	for _, h := range g.Hooks() {
		names = append(names, h.Script+":"+strings.TrimPrefix(h.Name, "emit:"))
	}
	return strings.Join(names, " ")
}

func (f *folder) want(want string) {
	f.t.Helper()
	if got := hooks(f.set.Generation()); got != want {
		f.t.Fatalf("hooks are %q, want %q; problems: %v", got, want, f.set.Problems())
	}
}

// until waits for the generation with these hooks.
func (f *folder) until(want string) {
	f.t.Helper()
	late := time.After(timeout)
	for {
		g := f.set.Generation()
		if hooks(g) == want {
			return
		}
		select {
		case <-g.Replaced():
		case <-late:
			f.t.Fatalf("hooks are %q, want %q; problems: %v", hooks(g), want, f.set.Problems())
		}
	}
}

// versions returns the texts of one file in the order in which they went live.
func (f *folder) versions(file string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, v := range f.saved {
		if text, there := v.Sources[file]; there {
			texts = append(texts, text)
		}
	}
	return texts
}

// hook is a script with one hook of a name.
func hook(name string) string {
	return `on("emit:` + name + `", function() end)` + "\n"
}

// lines is a log whose lines a test can wait for.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.more)
	l.more = make(chan struct{})
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// untilLogged waits for a line of the log with this text.
func (f *folder) untilLogged(text string) {
	f.t.Helper()
	late := time.After(timeout)
	for {
		f.log.mu.Lock()
		more := f.log.more
		f.log.mu.Unlock()
		if strings.Contains(f.log.String(), text) {
			return
		}
		select {
		case <-more:
		case <-late:
			f.t.Fatalf("the log has no %q:\n%s", text, f.log)
		}
	}
}

func raw(text string) json.RawMessage { return json.RawMessage(text) }
