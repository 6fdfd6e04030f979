package script

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// awaitedTriggers are triggers, also wildcards, that some script waits for.
type awaitedTriggers struct {
	exact map[string]bool
	wild  []string
}

func (a *awaitedTriggers) add(triggers []string) {
	for _, trigger := range triggers {
		switch {
		case !strings.Contains(trigger, "*"):
			if a.exact == nil {
				a.exact = map[string]bool{}
			}
			a.exact[trigger] = true
		case !contains(a.wild, trigger):
			a.wild = append(a.wild, trigger)
		}
	}
}

func (a *awaitedTriggers) has(event string) bool {
	if a.exact[event] {
		return true
	}
	for _, trigger := range a.wild {
		if journal.MatchTrigger(trigger, event) {
			return true
		}
	}
	return false
}

// pinnedAwaits are the triggers that replaced versions wait for, for the runs
// that go on with these versions.
type pinnedAwaits struct {
	mu        sync.RWMutex
	byVersion map[string][]string
	all       awaitedTriggers
}

func (p *pinnedAwaits) has(event string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.all.has(event)
}

func (p *pinnedAwaits) pin(version string, triggers []string) {
	if len(triggers) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.byVersion == nil {
		p.byVersion = map[string][]string{}
	}
	p.byVersion[version] = triggers
	p.all.add(triggers)
}

func (p *pinnedAwaits) unpin(version string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byVersion, version)
	p.all = awaitedTriggers{}
	for _, triggers := range p.byVersion {
		p.all.add(triggers)
	}
}

func (p *pinnedAwaits) versions() []string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return slices.Sorted(maps.Keys(p.byVersion))
}

// Awaited reports whether a run may wait for an event of this type: a wait_for
// names it, in a live script or in a replaced version that runs go on with. The
// connection does not matter, as each run decides whose events it accepts.
func (g *Generation) Awaited(event, _ string) bool {
	return g.awaits.has(event) || g.pinned != nil && g.pinned.has(event)
}

// PinAwaits makes Awaited true for the events that a version waits for, until
// no run that has not ended goes on with it. The engine calls it at its start
// for the versions of such runs; a reload does it for the versions that it
// replaces.
func (s *Set) PinAwaits(ctx context.Context, version journal.Version) error {
	script, err := s.LoadVersion(ctx, version)
	if err != nil {
		return err
	}
	s.pinned.pin(version.Hash, script.Awaits)
	return nil
}

// ReplacedVersion is a version that a reload replaced or removed while runs go
// on with it.
type ReplacedVersion struct {
	Script  string `json:"script"`
	Version string `json:"version"`
	Runs    int    `json:"runs"`
	// Removed is set when the script has no newer version.
	Removed bool `json:"removed,omitempty"`
}

// countReplaced reports the replaced versions that runs go on with, and unpins
// those of before that none does. before are the versions that were pinned
// before this reload. Those that this reload replaced stay pinned until the
// next one, as an event that matched their hooks may not be stored yet.
func (s *Set) countReplaced(ctx context.Context, replaced []*Script, before []string, out *scanResult) {
	if s.config.CountRuns == nil {
		return
	}
	present := s.Generation().Scripts
	for _, script := range replaced {
		bound, _, err := s.config.CountRuns(ctx, script.Version.Hash)
		if err != nil {
			s.config.Log.WarnContext(ctx, "the runs that go on with a replaced version could not be counted", "script", script.Name, "error", err)
			continue
		}
		if bound > 0 {
			out.report.Replaced = append(out.report.Replaced, ReplacedVersion{Script: script.Name, Version: script.Version.Hash, Runs: bound, Removed: present[script.Name] == nil})
		}
	}
	for _, version := range before {
		if bound, matched, err := s.config.CountRuns(ctx, version); err == nil && bound+matched == 0 {
			s.pinned.unpin(version)
		}
	}
}
