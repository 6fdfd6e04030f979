package script

import (
	"context"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// swap makes the generation of what is loaded, keeps its versions and puts it
// in the place of the live one.
func (s *Set) swap(ctx context.Context, out *scanResult) error {
	old := s.Generation()
	scripts := s.nextScripts()
	var versions []journal.Version
	var replaced []*Script
	for _, name := range sortedKeys(scripts) {
		if script := scripts[name]; old.Scripts[name] != script {
			out.report.Loaded = append(out.report.Loaded, name)
			if !s.saved[script.Version.Hash] {
				versions = append(versions, script.Version)
			}
		}
	}
	for _, name := range sortedKeys(old.Scripts) {
		if old.Scripts[name] != scripts[name] {
			replaced = append(replaced, old.Scripts[name])
		}
	}
	for _, name := range sortedKeys(old.Scripts) {
		if scripts[name] == nil {
			out.report.Removed = append(out.report.Removed, name)
		}
	}
	if len(out.report.Loaded)+len(out.report.Removed) == 0 {
		return nil
	}
	if s.config.SaveVersions != nil && len(versions) > 0 {
		if err := s.config.SaveVersions(ctx, versions...); err != nil {
			out.report.Loaded, out.report.Removed = nil, nil
			return fmt.Errorf("keep the versions of %d scripts: %w", len(versions), err)
		}
	}
	for _, version := range versions {
		s.saved[version.Hash] = true
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

// nextScripts chooses the scripts of the next generation: of each the newest that
// is right in itself and at one with the others, else the live one. Scripts
// that stay as they are come first, so that a newcomer never ousts one.
func (s *Set) nextScripts() map[string]*Script {
	scripts := map[string]*Script{}
	owners := map[string]addressOwner{}
	try := func(name string, script *Script) *Problem {
		if script == nil {
			return nil
		}
		if p := conflict(script, owners); p != nil {
			return p
		}
		scripts[name] = script
		for i, d := range script.details {
			for _, in := range d.inbound {
				owners[in.Path] = addressOwner{inbound: in, script: name, position: script.Position(i)}
			}
		}
		return nil
	}
	names := sortedKeys(s.entries)
	for _, name := range names {
		if e := s.entries[name]; e.live != nil && (e.loaded == nil || e.loaded == e.live) {
			try(name, e.live)
			e.conflict = nil
		}
	}
	for _, name := range names {
		e := s.entries[name]
		if scripts[name] != nil {
			continue
		}
		e.conflict = try(name, e.loaded)
		if e.conflict != nil && e.live != e.loaded {
			try(name, e.live)
		}
	}
	return scripts
}

// addressOwner is how a script verifies one of its addresses.
type addressOwner struct {
	inbound  *Inbound
	script   string
	position string
}

// conflict says where a script disagrees with others about an address.
func conflict(script *Script, owners map[string]addressOwner) *Problem {
	for i, d := range script.details {
		for _, in := range d.inbound {
			owner, taken := owners[in.Path]
			if taken && !owner.inbound.equal(in) {
				return &Problem{Script: script.Name, File: script.Version.Main, Position: script.Position(i),
					Message: fmt.Sprintf("%q is verified differently by the script %q at %s; give both the same verify and id", "in:"+in.Path, owner.script, owner.position)}
			}
		}
	}
	return nil
}
