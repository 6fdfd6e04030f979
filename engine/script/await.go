package script

import (
	"context"
	"strings"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// awaitedTriggers finds out whether an event is of a trigger that is waited for.
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

// pinnedAwaits is what versions wait for that are no longer the present ones, for the
// runs that go on with them.
type pinnedAwaits struct {
	mu        sync.RWMutex
	byVersion map[string][]string
	all       awaitedTriggers
}

func (h *pinnedAwaits) has(event string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.all.has(event)
}

func (h *pinnedAwaits) pin(version string, triggers []string) {
	if len(triggers) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byVersion == nil {
		h.byVersion = map[string][]string{}
	}
	h.byVersion[version] = triggers
	h.all.add(triggers)
}

func (h *pinnedAwaits) unpin(version string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.byVersion, version)
	h.all = awaitedTriggers{}
	for _, triggers := range h.byVersion {
		h.all.add(triggers)
	}
}

func (h *pinnedAwaits) versions() []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return sortedKeys(h.byVersion)
}

// Awaited reports whether a run may wait for an event of this type: a
// wait_for of a present version names it, or of one that runs go on with.
// Which connection's events count is decided by the run that waits, so that
// every connection's are awaited.
func (g *Generation) Awaited(event, _ string) bool {
	return g.awaits.has(event) || g.pinned != nil && g.pinned.has(event)
}

// PinAwaits has events kept that a version waits for, until no live run goes on
// with it. It is for the versions that runs were left on when the engine last
// stopped; what a reload replaces is seen to.
func (s *Set) PinAwaits(ctx context.Context, version journal.Version) error {
	script, err := s.LoadVersion(ctx, version)
	if err != nil {
		return err
	}
	s.pinned.pin(version.Hash, script.Awaits)
	return nil
}

// ReplacedVersion is a version that a reload took the place of while runs go on with it.
type ReplacedVersion struct {
	Script  string `json:"script"`
	Version string `json:"version"`
	Runs    int    `json:"runs"`
	// Removed says that no version took its place.
	Removed bool `json:"removed,omitempty"`
}

// countReplaced asks which runs go on with versions that were replaced, and lets go
// of what nobody waits for any more. before are the versions that were held
// before this reload: an event may be on its way to the journal with hooks of
// those that it replaced.
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
