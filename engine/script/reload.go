package script

import (
	"context"
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// rereadDelay is when a file that moved while it was read is looked at next.
const rereadDelay = 10 * time.Millisecond

// entry is what is known of one script.
type entry struct {
	source    source
	deps      map[string]dependency // of the last attempt that was believed
	loaded    *Script               // of that attempt; nil if it failed
	live      *Script               // in the generation
	problems  []Problem             // of the last attempt
	conflict  *Problem              // with another script
	unsettled *unsettled
	settled   bool // during a look: there is nothing to wait for
}

// unsettled is a state that is believed when it has been still.
type unsettled struct {
	state string
	since time.Time
}

// scanMode says how the folder is looked at.
type scanMode struct {
	settle      bool // wait for stillness where a file may be half written
	reread      bool // compare contents also where the stamps are equal
	retryFailed bool // try again what could not be loaded
}

// scanResult is what came of a look.
type scanResult struct {
	report     Report
	rescan     time.Time // when to look again, zero if nothing is waited for
	settleTime time.Duration
}

func (s *scanResult) rescanAt(t time.Time) {
	if s.rescan.IsZero() || t.Before(s.rescan) {
		s.rescan = t
	}
}

// apply brings the generation up to what a scan saw. Everything new is built
// beside the live generation and swapped in at the end.
func (s *Set) apply(ctx context.Context, t *tree, how scanMode) (scanResult, error) {
	out := scanResult{settleTime: s.config.SettleTime}
	began := machineTime()
	found, clashes := sources(t.files)
	s.problems = append(slices.Clone(t.problems), clashes...)
	clashing := map[string]bool{}
	for _, p := range clashes {
		clashing[p.Script] = true
	}
	changed := s.settledEntries(found, t, how, began, &out)
	for _, name := range sortedKeys(s.entries) {
		e := s.entries[name]
		if has(found, name) || clashing[name] || t.mayContain(e.source.main) {
			continue
		}
		if e.live != nil && how.settle && !out.settled(e, "gone", began) {
			continue
		}
		delete(s.entries, name)
	}
	s.loadEntries(ctx, changed, t, began, &out)
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	err := s.swap(ctx, &out)
	if err != nil {
		out.rescanAt(began.Add(time.Second))
	}
	out.report.Problems = s.allProblems()
	out.report.Duration = machineTime().Sub(began)
	s.logReport(ctx, out.report)
	return out, err
}

// settledEntries are the scripts whose files changed and do not look half written.
func (s *Set) settledEntries(found map[string]source, t *tree, how scanMode, began time.Time, out *scanResult) (changed []*entry) {
	for _, name := range sortedKeys(found) {
		e := s.entries[name]
		if e == nil {
			e = &entry{}
			s.entries[name] = e
		}
		if e.source != found[name] {
			e.source, e.deps = found[name], nil
		}
		if !s.changed(e, t, how) {
			e.unsettled = nil
			continue
		}
		e.settled = !how.settle
		if !e.settled && e.halfWritten(t) {
			if e.settled = out.settled(e, e.state(t), began); !e.settled {
				continue
			}
		}
		changed = append(changed, e)
	}
	return changed
}

// changed reports whether a script's files are other than those it was last
// made of.
func (s *Set) changed(e *entry, t *tree, how scanMode) bool {
	if e.deps == nil || how.retryFailed && e.loaded == nil {
		return true
	}
	for path, d := range e.deps {
		at := t.files[path]
		if at == d.stamp && !d.stamp.racy(d.read) && !how.reread {
			continue
		}
		if (at == stamp{}) {
			if !d.missing() {
				return true
			}
			continue
		}
		began := machineTime()
		text, now, err := readFile(s.config.Dir, path)
		if err != nil || sha256.Sum256(text) != d.sum || d.missing() {
			return true
		}
		e.deps[path] = dependency{stamp: now, sum: d.sum, read: began}
	}
	return false
}

// halfWritten reports whether a script's files look half written: empty, smaller
// than they were, or gone.
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

// state describes a script's files as a scan saw them.
func (e *entry) state(t *tree) string {
	paths := sortedKeys(e.deps)
	if !slices.Contains(paths, e.source.main) {
		paths = append(paths, e.source.main)
	}
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintf(&b, "%s %v\n", path, t.files[path])
	}
	return b.String()
}

// settled reports whether a state has been still for long enough, and sees to
// it that it is looked at again when it will have been.
func (s *scanResult) settled(e *entry, state string, now time.Time) bool {
	if e.unsettled == nil || e.unsettled.state != state {
		e.unsettled = &unsettled{state: state, since: now}
	}
	if now.Sub(e.unsettled.since) >= s.settleTime {
		return true
	}
	s.rescanAt(e.unsettled.since.Add(s.settleTime))
	return false
}

// loadEntries loads scripts side by side and notes what came of it.
func (s *Set) loadEntries(ctx context.Context, changed []*entry, t *tree, now time.Time, out *scanResult) {
	attempts := make([]loadResult, len(changed))
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, e := range changed {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			attempts[i] = s.load(ctx, e.source)
		})
	}
	group.Wait()
	for i, e := range changed {
		a := attempts[i]
		if ctx.Err() != nil {
			return // a load that was cut off says nothing
		}
		// Files that moved since the scan, and wrong ones, may be half written.
		if !e.settled && (a.script == nil || !a.matches(t)) {
			probe := entry{source: e.source, deps: a.deps}
			if !out.settled(e, "doubtful\n"+probe.state(t), now) {
				if a.changing || !a.matches(t) {
					out.rescanAt(now.Add(rereadDelay))
				}
				continue
			}
		}
		if a.script != nil && e.live != nil && a.script.Version.Hash == e.live.Version.Hash {
			a.script = e.live
		}
		e.deps, e.unsettled, e.loaded, e.problems = a.deps, nil, a.script, a.problems
	}
}

// matches reports whether the files that were read are those that the scan saw:
// if not, others may have changed with them.
func (a *loadResult) matches(t *tree) bool {
	for path, d := range a.deps {
		if t.files[path] != d.stamp && !(d.missing() && !has(t.files, path)) {
			return false
		}
	}
	return true
}
