package script

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher tells that something may have changed; what, a scan finds out. It
// watches the folders of a scan, the one that the scripts folder lies in, and
// those in which symbolic links end.
type watcher struct {
	dir     string
	log     *slog.Logger
	notify  *fsnotify.Watcher // nil where the system has none left
	changes chan struct{}
	done    sync.WaitGroup

	mu      sync.Mutex
	outside map[string]bool // folders of which only links' ends count
	links   map[string]bool // the paths at which links end, and the scripts folder's own

	folders   map[string]fileID // watched, as they were then
	added     int               // folders added by the last update
	postponed int               // updates in a row that added some
	warned    bool              // that folders cannot be watched
}

func newWatcher(dir string, log *slog.Logger) *watcher {
	w := &watcher{dir: dir, log: log, changes: make(chan struct{}, 1), folders: map[string]fileID{}}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.warnUnwatched(err)
		return w
	}
	w.notify = notify
	w.done.Go(w.listen)
	return w
}

func (w *watcher) close() {
	if w.notify != nil {
		w.notify.Close() // it only ends the channels
	}
	w.done.Wait()
}

// listen turns what the system reports into signs until the watcher is closed.
func (w *watcher) listen() {
	for {
		select {
		case event, open := <-w.notify.Events:
			if !open {
				return
			}
			if w.relevant(event) {
				w.signal()
			}
		case err, open := <-w.notify.Errors:
			if !open {
				return
			}
			// An overflow has lost events: the scan sees what they told of.
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.log.Warn("watching the scripts folder", "error", err)
			}
			w.signal()
		}
	}
}

func (w *watcher) signal() {
	select {
	case w.changes <- struct{}{}:
	default:
	}
}

// relevant reports whether an event may concern scripts. What comes, goes or
// changes its mode may be a folder or a link; what is only written is not.
func (w *watcher) relevant(event fsnotify.Event) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	folder, name := filepath.Split(event.Name)
	switch {
	case w.links[event.Name]:
		return true
	case w.outside[filepath.Clean(folder)]:
		return false
	}
	return event.Op != fsnotify.Write || strings.HasSuffix(name, ".lua") || name == templateFile
}

// debounce waits for quiet, within bounds; false when ctx is done.
func (w *watcher) debounce(ctx context.Context, quiet time.Duration) bool {
	bound := time.NewTimer(4 * quiet)
	defer bound.Stop()
	still := time.NewTimer(quiet)
	defer still.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.changes:
			still.Reset(quiet)
		case <-still.C:
			return true
		case <-bound.C:
			return true
		}
	}
}

// update watches what a scan found, and nothing else.
func (w *watcher) update(t *tree) {
	w.added = 0
	if w.notify == nil {
		return
	}
	if t == nil {
		t = &tree{}
	}
	wanted := map[string]fileID{} // folders by path
	seen := map[fileID]bool{}
	for _, f := range t.folders {
		if f.id != (fileID{}) && seen[f.id] {
			continue // two links to one folder: the system knows it once
		}
		seen[f.id] = true
		wanted[f.path] = f.id
	}
	outside := w.watchOutside(t.links, wanted, seen)
	links := map[string]bool{w.dir: true}
	for _, path := range t.links {
		links[path] = true
	}
	w.mu.Lock()
	w.outside, w.links = outside, links
	w.mu.Unlock()
	w.unwatch(wanted)
	w.watch(wanted)
}

// watchOutside adds to wanted the folders outside in which the folder of scripts and
// the targets of links stand, and gives these.
func (w *watcher) watchOutside(links []string, wanted map[string]fileID, seen map[fileID]bool) map[string]bool {
	inside, outside := maps.Clone(wanted), map[string]bool{}
	for _, path := range append([]string{w.dir}, links...) {
		folder := filepath.Dir(path)
		info, err := os.Stat(folder)
		if _, known := inside[folder]; err != nil || known {
			continue
		}
		id := idOf(info)
		if id != (fileID{}) && seen[id] && !outside[folder] {
			continue // watched as a folder of scripts, by another path
		}
		seen[id] = true
		outside[folder] = true
		wanted[folder] = id
	}
	return outside
}

// unwatch gives up the folders that are not wanted any more. It comes before
// watch: a folder that was moved is to the system the same.
func (w *watcher) unwatch(wanted map[string]fileID) {
	alive := w.notify.WatchList()
	slices.Sort(alive)
	for path, id := range w.folders {
		_, watched := slices.BinarySearch(alive, path)
		if now, there := wanted[path]; there && now == id && watched {
			continue
		}
		if watched {
			w.notify.Remove(path) // it may be gone meanwhile
		}
		delete(w.folders, path)
	}
}

func (w *watcher) watch(wanted map[string]fileID) {
	for path, id := range wanted {
		if _, watched := w.folders[path]; watched {
			continue
		}
		if err := w.notify.Add(path); err != nil {
			w.warnUnwatched(err)
			continue
		}
		w.folders[path] = id
		w.added++
	}
}

// hasNewFolders reports whether the last update added folders, so that the scan must
// be made anew; after some times in a row it is not put off any more.
func (w *watcher) hasNewFolders() bool {
	if w.added == 0 || w.postponed == 3 {
		w.postponed = 0
		return false
	}
	w.postponed++
	return true
}

// warnUnwatched says once that changes will be noticed late.
func (w *watcher) warnUnwatched(err error) {
	if w.warned || errors.Is(err, fsnotify.ErrClosed) {
		return
	}
	w.warned = true
	w.log.Warn("some folders cannot be watched; changes there are noticed by looking through them from time to time", "error", err)
}
