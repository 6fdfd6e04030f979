package script

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings/yamltext"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// loadResult is a loaded script, or its problems.
type loadResult struct {
	script   *Script
	problems []Problem
	deps     map[string]dependency
	// changing is set when a file changed while it was read.
	changing bool
}

// dependency is a file of a script: its main file, a required one, or a missing
// one that was tried, whose stamp is zero.
type dependency struct {
	stamp stamp
	sum   [sha256.Size]byte
	read  time.Time
}

func (d dependency) missing() bool { return d.stamp == stamp{} }

// reader reads the files of one script and records what it read.
type reader struct {
	root     string
	files    *fileReads
	source   source
	deps     map[string]dependency
	texts    map[string]string
	problem  *Problem // of the first file that could not be read
	changing bool
}

// file reads a file.
func (r *reader) file(path string) ([]byte, error) {
	began := machineTime()
	text, at, err := r.files.file(r.root, path)
	r.deps[path] = dependency{stamp: at, sum: sha256.Sum256(text), read: began}
	if errors.Is(err, errChanging) {
		r.changing = true
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) && r.problem == nil {
		r.problem = &Problem{Script: r.source.name, File: path, Message: err.Error()}
		var bad *encodingError
		if errors.As(err, &bad) {
			r.problem.Position = fmt.Sprintf("%s:%d", path, bad.line)
		}
	}
	return text, err
}

// required reads a file for the vm.
func (r *reader) required(path string) ([]byte, error) {
	if slices.ContainsFunc(strings.Split(path, "/"), ignored) {
		return nil, fmt.Errorf("%q has the name of a test or of an editor's own file, and is not loaded", path)
	}
	text, err := r.file(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%q: %w", path, err)
	case !r.source.owns(path):
		return nil, fmt.Errorf("%q belongs to another script; files that scripts share are in %s/", path, shared)
	}
	r.texts[path] = string(text)
	return text, nil
}

// load loads a script from its files.
func (s *Set) load(ctx context.Context, src source) loadResult {
	r := &reader{root: s.config.Dir, files: s.files, source: src, deps: map[string]dependency{}, texts: map[string]string{}}
	script, problems := s.compile(ctx, src, r)
	for i := range problems {
		problems[i].Script = src.name
	}
	return loadResult{script: script, problems: problems, deps: r.deps, changing: r.changing}
}

func (s *Set) compile(ctx context.Context, src source, r *reader) (*Script, []Problem) {
	program, err := s.config.Machine.Compile(src.main, r.required)
	if r.problem != nil {
		return nil, []Problem{*r.problem}
	}
	if err != nil {
		return nil, []Problem{problemOf(src.main, err)}
	}
	params, problems := s.params(src, r)
	if problems != nil {
		return nil, problems
	}
	version := journal.Version{
		Hash:   versionHash(src.main, r.texts, params),
		Script: src.name, Main: src.main, Sources: r.texts, Params: params,
		Format: vm.ReplayFormat, Created: s.config.Clock.Now().UTC(),
	}
	return s.register(ctx, version, program, validation{triggers: s.triggers, connection: s.config.Connections, zone: s.config.Zone, bounds: s.config.bounds(src.name)})
}

func (s *Set) params(src source, r *reader) (json.RawMessage, []Problem) {
	var text []byte
	declared := false
	file := src.main
	if src.folder != "" {
		var err error
		text, err = r.file(src.folder + "/" + templateFile)
		if r.problem != nil {
			return nil, []Problem{*r.problem}
		}
		if declared = err == nil; declared {
			file = src.folder + "/" + templateFile
		}
	}
	params, err := resolveParams(file, text, declared, s.config.Params[src.name])
	if err != nil {
		var problems []Problem
		for _, err := range splitErrors(err) {
			p := Problem{File: file, Message: err.Error()}
			var wrong *yamltext.Error
			if errors.As(err, &wrong) {
				p.Message = wrong.Message()
				if wrong.Line > 0 {
					p.Position = wrong.Place()
				}
			}
			problems = append(problems, p)
		}
		return nil, problems
	}
	return params, nil
}

// register runs the top level of a program and reads the hooks it registers.
func (s *Set) register(ctx context.Context, version journal.Version, program *vm.Program, w validation) (*Script, []Problem) {
	registrations, err := s.config.Machine.Load(ctx, program, vm.Settings{Params: version.Params, Zone: s.config.Zone})
	if err != nil {
		return nil, []Problem{problemOf(version.Main, err)}
	}
	version.Awaits = program.Awaits()
	script := &Script{
		Name: version.Script, Version: version, Program: program, Params: version.Params,
		Awaits: version.Awaits,
		index:  make(map[string]int, len(registrations)),
	}
	problems := w.awaited(script)
	known, answering := addresses{}, responders{}
	for i, registration := range registrations {
		b := &hookBuilder{validation: w, registration: registration}
		err := b.build(version.Script, version.Hash)
		for _, err := range splitErrors(err) {
			problems = append(problems, Problem{File: version.Main, Position: registration.Position, Message: err.Error()})
		}
		if first, found := script.index[b.hook.Name]; found {
			problems = append(problems, Problem{File: version.Main, Position: registration.Position,
				Message: fmt.Sprintf("a second hook %q; the first is at %s: give one of them a name = \"…\"", b.hook.Name, script.details[first].position)})
		} else {
			script.index[b.hook.Name] = i
		}
		messages := known.add(b.detail)
		if conflict := answering.conflict(b.hook, b.detail); conflict != "" {
			messages = append(messages, conflict)
		}
		answering.add(b.hook, b.detail)
		for _, message := range messages {
			problems = append(problems, Problem{File: version.Main, Position: registration.Position, Message: message})
		}
		script.Hooks = append(script.Hooks, b.hook)
		script.Limits = append(script.Limits, b.limits.Or(w.bounds.Default).Cut(w.bounds.Ceiling))
		script.details = append(script.details, b.detail)
	}
	if problems != nil {
		return nil, problems
	}
	return script, nil
}

// problemOf makes a problem of an error of the vm, with its position if it has
// one.
func problemOf(main string, err error) Problem {
	p := Problem{File: main, Message: err.Error()}
	var wrong *vm.ScriptError
	var limit *vm.LimitError
	var syntax *vm.SyntaxError
	switch {
	case errors.As(err, &syntax):
		p.Position, p.Message = syntax.Position, syntax.Message
	case errors.As(err, &wrong) && wrong.Position != "":
		p.Position, p.Message = wrong.Position, wrong.Message
	case errors.As(err, &limit):
		p.Position, p.Message = limit.Position, "over the limit of "+limit.Bound
	}
	return p
}

// splitErrors returns the errors that errors.Join joined.
func splitErrors(err error) []error {
	if err == nil {
		return nil
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, err := range many.Unwrap() {
			all = append(all, splitErrors(err)...)
		}
		return all
	}
	return []error{err}
}
