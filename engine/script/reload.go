package script

import (
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// rereadDelay is the time until the next scan after a file changed while it was
// read.
const rereadDelay = 10 * time.Millisecond

// entry is the state of one script between scans.
type entry struct {
	source   source
	deps     map[string]dependency // of the last load of files that were ready
	loaded   *Script               // by that load; nil if it failed
	live     *Script               // in the generation
	problems []Problem             // of that load
	conflict *Problem              // with another script
	observed *observedState        // nil if no file may be half written
	write    *pendingWrite         // nil if no file is written in place
	ready    bool                  // in this scan: the files are loaded as they are
}

// observedState is a state of files that may be half written. It counts once it has
// not changed for Config.SettleTime.
type observedState struct {
	state string
	since time.Time
}

// pendingWrite is a state of files that are written in place, and how long it must last.
type pendingWrite struct {
	state string
	since time.Time
	time  time.Duration
}

const (
	// maxUnchangedTime bounds the time between two scans of a file that changes.
	maxUnchangedTime = time.Second
	// maxOpenTime is how long a file that a program has open for writing is not read
	// after its last change.
	maxOpenTime = 10 * time.Second
)

// scanMode is how changes in the folder are found.
type scanMode struct {
	settle      bool // wait for Config.SettleTime where a file may be half written
	reread      bool // compare contents also where the stamps are equal
	retryFailed bool // load unchanged scripts again that could not be loaded
	opening     bool // the first scan: the live versions are those of the journal
}

// scanResult is what a scan led to.
type scanResult struct {
	report Report
	rescan time.Time // when to scan again, zero if no file may be half written
}

func (s *scanResult) rescanAt(t time.Time) {
	if s.rescan.IsZero() || t.Before(s.rescan) {
		s.rescan = t
	}
}

// apply loads what changed since the last scan. The new generation is built
// beside the live one and swapped in at the end.
func (s *Set) apply(ctx context.Context, t *tree, mode scanMode) (scanResult, error) {
	var out scanResult
	began := machineTime()
	found, conflicts := sources(t.files, t.notFiles)
	s.problems = slices.Concat(t.problems, s.notFiles(t, found), conflicts)
	ambiguous := map[string]bool{} // names of scripts
	for _, p := range conflicts {
		ambiguous[p.Script] = true
	}
	changed := s.readyEntries(found, t, mode, began, &out)
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		e := s.entries[name]
		if has(found, name) || ambiguous[name] || t.mayContain(e.source.main) {
			continue
		}
		if e.live != nil && mode.settle && !e.moved(t) && !out.unchangedFor(e, "gone", began, s.config.RemoveTime) {
			continue
		}
		delete(s.entries, name)
	}
	s.loadEntries(ctx, changed, t, began, &out)
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	if mode.opening {
		s.restore(ctx, t, ambiguous)
	}
	err := s.swap(ctx, &out)
	if err != nil {
		out.rescanAt(began.Add(time.Second))
	}
	out.report.Problems = s.allProblems()
	s.setUnloaded(out.report.Problems, mode.opening)
	out.report.Duration = machineTime().Sub(began)
	s.logReport(ctx, out.report)
	return out, err
}

// notFiles returns a problem for each script in the place of whose file something else
// is. A folder is one only where a script was.
func (s *Set) notFiles(t *tree, found map[string]source) (problems []Problem) {
	for _, file := range slices.Sorted(maps.Keys(t.notFiles)) {
		name, what := sourceOf(file).name, t.notFiles[file]
		known := s.entries[name] != nil || s.stored[name] != ""
		if has(found, name) || !strings.HasSuffix(file, ".lua") || strings.HasPrefix(file, shared+"/") || what == aFolder && !known {
			continue
		}
		problems = append(problems, Problem{Script: name, File: file, Message: "expected a file, found " + what})
	}
	return problems
}

// readyEntries returns the scripts whose files changed and are not half
// written, as far as a scan can find out.
func (s *Set) readyEntries(found map[string]source, t *tree, mode scanMode, began time.Time, out *scanResult) (changed []*entry) {
	for _, name := range slices.Sorted(maps.Keys(found)) {
		e := s.entries[name]
		if e == nil {
			e = &entry{}
			s.entries[name] = e
		}
		if e.source != found[name] {
			e.source, e.deps = found[name], nil
		}
		if !s.changed(e, t, mode) {
			e.observed, e.write = nil, nil
			continue
		}
		e.ready = !mode.settle
		switch {
		case e.ready:
		case e.halfWritten(t):
			if e.ready = out.unchanged(e, e.state(t), began, s.config.SettleTime); !e.ready {
				continue
			}
		case e.writtenInPlace(t) && !out.unchanged(e, e.state(t), began, s.config.UnchangedTime):
			continue
		}
		if mode.settle && s.isWritten(e, t, began, out) {
			continue
		}
		e.write = nil
		changed = append(changed, e)
	}
	return changed
}

// changed reports whether a script's files differ from those of its last load.
func (s *Set) changed(e *entry, t *tree, mode scanMode) bool {
	if e.deps == nil || mode.retryFailed && e.loaded == nil {
		return true
	}
	for path, d := range e.deps {
		at := t.files[path]
		if at == d.stamp && !d.stamp.racy(d.read) && !mode.reread {
			continue
		}
		if (at == stamp{}) {
			if !d.missing() {
				return true
			}
			continue
		}
		began := machineTime()
		text, now, err := s.files.file(s.config.Dir, path)
		if err != nil || sha256.Sum256(text) != d.sum || d.missing() {
			return true
		}
		e.deps[path] = dependency{stamp: now, sum: d.sum, read: began}
	}
	return false
}

// halfWritten reports whether a script's files may be half written: one is
// empty, smaller than it was, or gone.
func (e *entry) halfWritten(t *tree) bool {
	if t.files[e.source.main].size == 0 {
		return true
	}
	for path, d := range e.deps {
		if !d.missing() && t.files[path].size < d.stamp.size {
			return true
		}
	}
	return false
}

// writtenInPlace reports whether a changed file of the script may still be
// written. One that replaces another, as editors rename it, is complete.
func (e *entry) writtenInPlace(t *tree) bool {
	if e.deps == nil {
		return true
	}
	for path, at := range e.changedFiles(t) {
		if d := e.deps[path]; d.missing() || at.id == d.stamp.id {
			return true
		}
	}
	return false
}

// isWritten reports whether a program has a changed file of the script open for
// writing. The folder is scanned again until it has closed it, or has not written for
// maxOpenTime.
func (s *Set) isWritten(e *entry, t *tree, now time.Time, out *scanResult) bool {
	for path, at := range e.changedFiles(t) {
		age := now.Sub(time.Unix(0, at.modified))
		// A file of a later time than now is not being written.
		if age >= 0 && age < maxOpenTime && openForWriting(filepath.Join(s.config.Dir, filepath.FromSlash(path))) {
			out.rescanAt(now.Add(min(max(age, s.config.UnchangedTime), maxUnchangedTime)))
			return true
		}
	}
	return false
}

// changedFiles are the files of the script that exist and have changed since they
// were loaded, or its main file if none was.
func (e *entry) changedFiles(t *tree) iter.Seq2[string, stamp] {
	return func(yield func(string, stamp) bool) {
		if e.deps == nil {
			yield(e.source.main, t.files[e.source.main])
			return
		}
		for path, d := range e.deps {
			if at := t.files[path]; at != d.stamp && at != (stamp{}) && !yield(path, at) {
				return
			}
		}
	}
}

// moved reports whether the main file of a script that is gone has another path
// now.
func (e *entry) moved(t *tree) bool {
	id := e.deps[e.source.main].stamp.id
	if id == (fileID{}) {
		return false
	}
	for _, at := range t.files {
		if at.id == id {
			return true
		}
	}
	return false
}

// state describes a script's files as scanned. It differs whenever one of them
// does.
func (e *entry) state(t *tree) string {
	paths := slices.Sorted(maps.Keys(e.deps))
	if !slices.Contains(paths, e.source.main) {
		paths = append(paths, e.source.main)
	}
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&b, "%s %v\n", path, t.files[path])
	}
	return b.String()
}

// unchanged reports whether a script's files have had this state in two scans
// with a time between them, which is doubled whenever the state has changed. If
// not, the folder is scanned again after that time.
func (s *scanResult) unchanged(e *entry, state string, now time.Time, first time.Duration) bool {
	switch w := e.write; {
	case w == nil:
		e.write = &pendingWrite{state, now, first}
	case w.state != state:
		e.write = &pendingWrite{state, now, max(first, min(2*w.time, maxUnchangedTime))}
	case now.Sub(w.since) >= w.time:
		return true
	}
	s.rescanAt(e.write.since.Add(e.write.time))
	return false
}

// unchangedFor reports whether a script's files have had this state for a time. If
// not, the folder is scanned again when they will have.
func (s *scanResult) unchangedFor(e *entry, state string, now time.Time, settleTime time.Duration) bool {
	if e.observed == nil || e.observed.state != state {
		e.observed = &observedState{state: state, since: now}
	}
	if now.Sub(e.observed.since) >= settleTime {
		return true
	}
	s.rescanAt(e.observed.since.Add(settleTime))
	return false
}

// loadEntries loads scripts in parallel and puts the results into their entries.
func (s *Set) loadEntries(ctx context.Context, changed []*entry, t *tree, now time.Time, out *scanResult) {
	results := make([]loadResult, len(changed))
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, e := range changed {
		group.Go(func() error {
			results[i] = s.load(ctx, e.source)
			return nil // a script that cannot be loaded does not stop the others
		})
	}
	group.Wait()
	for i, e := range changed {
		r := results[i]
		if ctx.Err() != nil {
			return // the result may be that of a load that ctx ended
		}
		// Files that changed since the scan or cannot be loaded may be half written.
		if !e.ready && (r.script == nil || !r.matches(t)) {
			read := entry{source: e.source, deps: r.deps}
			if !out.unchangedFor(e, "loaded\n"+read.state(t), now, s.config.SettleTime) {
				if r.changing || !r.matches(t) {
					out.rescanAt(now.Add(rereadDelay))
				}
				continue
			}
		}
		if r.script != nil && e.live != nil && r.script.Version.Hash == e.live.Version.Hash {
			r.script = e.live
		}
		e.deps, e.observed, e.loaded, e.problems = r.deps, nil, r.script, r.problems
	}
}

// matches reports whether the files that were read are as the scan found them.
// If not, others may have changed since the scan too.
func (r *loadResult) matches(t *tree) bool {
	for path, d := range r.deps {
		if t.files[path] != d.stamp && !(d.missing() && !has(t.files, path)) {
			return false
		}
	}
	return true
}
