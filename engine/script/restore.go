package script

import (
	"context"
	"maps"
	"slices"
	"time"
)

// restore makes the versions that the journal has as the live ones live again,
// where the files of the script cannot be loaded.
func (s *Set) restore(ctx context.Context, t *tree, ambiguous map[string]bool) {
	names := slices.Sorted(maps.Keys(s.stored))
	for _, name := range names {
		switch e := s.entries[name]; {
		case e == nil || e.loaded == nil:
			s.restoreScript(ctx, name, t, ambiguous[name])
		case e.loaded.Version.Hash == s.stored[name]:
			e.live = e.loaded // so that it takes precedence over scripts that changed
		}
	}
	s.nextScripts() // finds the conflicts
	for _, name := range names {
		if e := s.entries[name]; e != nil && e.conflict != nil && e.live == nil {
			s.restoreScript(ctx, name, t, ambiguous[name])
		}
	}
}

// restoreScript makes the stored version of a script live, unless its files are
// gone. An error is a problem of the script.
func (s *Set) restoreScript(ctx context.Context, name string, t *tree, ambiguous bool) {
	hash, e := s.stored[name], s.entries[name]
	version, err := s.config.Versions.Version(ctx, hash)
	if err == nil && e == nil {
		if !ambiguous && !t.mayContain(version.Main) {
			return
		}
		e = &entry{source: sourceOf(version.Main)}
		s.entries[name] = e
	}
	var script *Script
	if err == nil {
		script, err = s.LoadVersion(ctx, version)
	}
	switch {
	case err == nil:
		e.live = script
	case e != nil:
		e.problems = append(e.problems, Problem{Script: name, Message: "its last version cannot be loaded either: " + err.Error()})
	default:
		s.problems = append(s.problems, Problem{Script: name, Message: err.Error()})
	}
}

// maxUnloaded is how long Unloaded names a script after the start.
const maxUnloaded = time.Hour

// Unloaded names the scripts that could not be loaded when the set was opened and
// have no stored version: which events they need is not known. It names none once
// they are live or removed, and none an hour after the start. It may be called
// from any goroutine.
func (s *Set) Unloaded() []string {
	names := s.unloaded.Load()
	if names == nil || s.config.Clock.Now().Sub(s.opened) >= maxUnloaded {
		return nil
	}
	return *names
}

// setUnloaded updates Unloaded after a scan that found these problems.
func (s *Set) setUnloaded(problems []Problem, opening bool) {
	var names []string
	for _, p := range problems {
		if p.Script == "" || p.LastVersionLive || slices.Contains(names, p.Script) {
			continue
		}
		if opening || slices.Contains(*s.unloaded.Load(), p.Script) {
			names = append(names, p.Script)
		}
	}
	s.unloaded.Store(&names)
}
