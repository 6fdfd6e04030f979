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

// watcher signals that files may have changed; a scan finds out which. It
// watches the folders of the last scan, the parent of the scripts folder, and
// the folders with the targets of symbolic links.
type watcher struct {
	dir     string
	log     *slog.Logger
	notify  *fsnotify.Watcher // nil if the system has none left
	changes chan struct{}
	done    sync.WaitGroup

	mu      sync.Mutex
	outside map[string]bool // folders in which only the paths of links matter
	links   map[string]bool // targets of links, and the path of the scripts folder

	folders   map[string]fileID // watched folders, each with its id when it was added
	added     int               // folders added by the last update
	postponed int               // scans in a row that were postponed
	warned    bool              // it was logged that folders cannot be watched
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

// listen signals the events of the system until the watcher is closed.
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
			// After an overflow events are missing: the scan finds the changes.
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

// relevant reports whether an event may be about scripts. A path that is
// created, removed or gets another mode may be a folder or a link; one that is
// written is a file.
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

// debounce waits until no change is signalled for a time, at most four times
// that time. It returns false if ctx is done.
func (w *watcher) debounce(ctx context.Context, quiet time.Duration) bool {
	limit := time.NewTimer(4 * quiet)
	defer limit.Stop()
	timer := time.NewTimer(quiet)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-w.changes:
			timer.Reset(quiet)
		case <-timer.C:
			return true
		case <-limit.C:
			return true
		}
	}
}

// update watches the folders of a scan, and no others.
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
			continue // two links to one folder, which the system watches once
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

// watchOutside adds to wanted the parents of the scripts folder and of the
// targets of links, and returns those that are not folders of scripts.
func (w *watcher) watchOutside(links []string, wanted map[string]fileID, seen map[fileID]bool) map[string]bool {
	inside, outside := maps.Clone(wanted), map[string]bool{}
	for _, path := range append([]string{w.dir}, links...) {
		folder := filepath.Dir(path)
		info, err := os.Stat(folder)
		if _, isInside := inside[folder]; err != nil || isInside {
			continue
		}
		id := idOf(info)
		if id != (fileID{}) && seen[id] && !outside[folder] {
			continue // a folder of scripts that is watched by another path
		}
		seen[id] = true
		outside[folder] = true
		wanted[folder] = id
	}
	return outside
}

// unwatch removes the folders that are not wanted any more. It must be called
// before watch: to the system, a folder that was moved is the one it watches.
func (w *watcher) unwatch(wanted map[string]fileID) {
	all := w.notify.WatchList()
	slices.Sort(all)
	for path, id := range w.folders {
		_, watched := slices.BinarySearch(all, path)
		if now, there := wanted[path]; there && now == id && watched {
			continue
		}
		if watched {
			w.notify.Remove(path) // an error means that the folder is gone
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

// hasNewFolders reports whether the last update added folders, so that the folder
// must be scanned again. After three times in a row it returns false, so that a
// folder that always changes is loaded too.
func (w *watcher) hasNewFolders() bool {
	if w.added == 0 || w.postponed == 3 {
		w.postponed = 0
		return false
	}
	w.postponed++
	return true
}

// warnUnwatched logs once that changes will be found late.
func (w *watcher) warnUnwatched(err error) {
	if w.warned || errors.Is(err, fsnotify.ErrClosed) {
		return
	}
	w.warned = true
	w.log.Warn("some folders cannot be watched; changes there are found by scanning them from time to time", "error", err)
}
