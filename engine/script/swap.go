package script

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// swap builds the next generation, saves its new versions and makes it the live
// one.
func (s *Set) swap(ctx context.Context, out *scanResult) error {
	old := s.Generation()
	scripts := s.nextScripts()
	var versions []journal.Version
	var replaced []*Script
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		if old.Scripts[name] != scripts[name] {
			out.report.Loaded = append(out.report.Loaded, name)
		}
		if s.stored[name] != scripts[name].Version.Hash {
			versions = append(versions, scripts[name].Version)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.Scripts)) {
		if old.Scripts[name] != scripts[name] {
			replaced = append(replaced, old.Scripts[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old.Scripts)) {
		if scripts[name] == nil {
			out.report.Removed = append(out.report.Removed, name)
		}
	}
	if err := s.store(ctx, versions); err != nil {
		out.report.Loaded, out.report.Removed = nil, nil
		return err
	}
	if len(out.report.Loaded)+len(out.report.Removed) == 0 {
		return nil
	}
	for name, e := range s.entries {
		e.live = scripts[name]
	}
	before := s.pinned.versions()
	for _, script := range replaced {
		s.pinned.pin(script.Version.Hash, script.Awaits)
	}
	s.generation.Store(newGeneration(scripts, s.triggers, s.pinned))
	close(old.replaced)
	s.countReplaced(ctx, replaced, before, out)
	return nil
}

// store stores the versions that are about to be live, and that the scripts
// without files have none any more.
func (s *Set) store(ctx context.Context, versions []journal.Version) error {
	if s.config.Versions == nil {
		return nil
	}
	var removed []string
	for name := range s.stored {
		if s.entries[name] == nil {
			removed = append(removed, name)
		}
	}
	if len(versions)+len(removed) == 0 {
		return nil
	}
	if err := s.config.Versions.SetLive(ctx, versions, removed); err != nil {
		return fmt.Errorf("save the versions of %d scripts: %w", len(versions), err)
	}
	for _, version := range versions {
		s.stored[version.Script] = version.Hash
	}
	for _, name := range removed {
		delete(s.stored, name)
	}
	return nil
}

// nextScripts returns the scripts of the next generation: of each the newest
// version that could be loaded and has no conflict with the others, else the
// live one. Unchanged scripts come first, so that a new or changed one never
// replaces an unchanged one.
func (s *Set) nextScripts() map[string]*Script {
	scripts := map[string]*Script{}
	owners, answering := map[string]addressOwner{}, responders{}
	add := func(name string, script *Script) *Problem {
		if script == nil {
			return nil
		}
		if p := conflict(script, owners, answering); p != nil {
			return p
		}
		scripts[name] = script
		for i, d := range script.details {
			for _, in := range d.inbound {
				owners[in.Path] = addressOwner{inbound: in, script: name, position: script.Position(i)}
			}
			answering.add(script.Hooks[i], d)
		}
		return nil
	}
	names := slices.Sorted(maps.Keys(s.entries))
	for _, name := range names {
		if e := s.entries[name]; e.live != nil && (e.loaded == nil || e.loaded == e.live) {
			add(name, e.live)
			e.conflict = nil
		}
	}
	for _, name := range names {
		e := s.entries[name]
		if scripts[name] != nil {
			continue
		}
		e.conflict = add(name, e.loaded)
		if e.conflict != nil && e.live != e.loaded {
			add(name, e.live)
		}
	}
	return scripts
}

// addressOwner is the script that the generation has for an address, with how it
// verifies requests.
type addressOwner struct {
	inbound  *Inbound
	script   string
	position string
}

// conflict returns the first address whose requests a script and its owner take
// differently, or the first hook that answers the same senders as one of another
// script; nil if there is none.
func conflict(script *Script, owners map[string]addressOwner, answering responders) *Problem {
	for i, d := range script.details {
		for _, in := range d.inbound {
			owner, found := owners[in.Path]
			if found && !owner.inbound.equal(in) {
				return &Problem{Script: script.Name, File: script.Version.Main, Position: script.Position(i),
					Message: fmt.Sprintf("%q takes requests differently in the script %q at %s; give both the same verify, id, methods and raw", "in:"+in.Path, owner.script, owner.position)}
			}
		}
		if message := answering.conflict(script.Hooks[i], d); message != "" {
			return &Problem{Script: script.Name, File: script.Version.Main, Position: script.Position(i), Message: message}
		}
	}
	return nil
}
