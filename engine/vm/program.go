package vm

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// A Program is a compiled script with all files that it requires. It is
// immutable and shared by all activations.
type Program struct {
	main  string
	files map[string]*file
	// names are the globals that the program reads or writes anywhere.
	names    map[string]bool
	awaits   []string
	warnings []string
}

// file is one compiled source. Its prototype is shared and never changed.
type file struct {
	name     string
	source   []byte
	proto    *lua.FunctionProto
	requires map[string]required
}

// required is what a name in require refers to: an app, an edition of one, or a
// file.
type required struct {
	module string
	file   string
}

// Compile compiles the file called name and the files that it requires. read
// returns the source of a file; its error for a file that does not exist wraps
// fs.ErrNotExist.
func (m *Machine) Compile(name string, read func(name string) ([]byte, error)) (*Program, error) {
	c := compiler{machine: m, read: read, program: &Program{main: name, files: map[string]*file{}, names: map[string]bool{}}}
	source, err := read(name)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	if err := c.compile(name, source); err != nil {
		return nil, err
	}
	slices.Sort(c.program.awaits)
	c.program.awaits = slices.Compact(c.program.awaits)
	return c.program, nil
}

// Files returns the sources of the program by name.
func (p *Program) Files() map[string][]byte {
	all := make(map[string][]byte, len(p.files))
	for name, f := range p.files {
		all[name] = f.source
	}
	return all
}

// Awaits returns the triggers in calls of wait_for, sorted.
func (p *Program) Awaits() []string { return slices.Clone(p.awaits) }

// Warnings returns a text for each line that compiles but probably does not do
// what its author meant, with its position.
func (p *Program) Warnings() []string { return slices.Clone(p.warnings) }

// compiler compiles one program.
type compiler struct {
	machine *Machine
	read    func(name string) ([]byte, error)
	program *Program
	chain   []string // files being compiled, the main one first
}

// maxFiles bounds the files of one program.
const maxFiles = 200

func (c *compiler) compile(name string, source []byte) error {
	if len(c.program.files) >= maxFiles {
		return &SyntaxError{Position: c.chain[len(c.chain)-1] + ":1", Message: "the script requires more than " + count(maxFiles, "file")}
	}
	t, err := parseSource(name, source, c.machine.limits.Source)
	if err != nil {
		return err
	}
	f := &file{name: name, source: slices.Clone(source), requires: map[string]required{}}
	if f.proto, err = compileTree(name, t); err != nil {
		return err
	}
	c.program.files[name] = f
	c.program.awaits = append(c.program.awaits, t.awaits...)
	c.program.warnings = append(c.program.warnings, t.warnings...)
	globalsOf(f.proto, c.program.names)
	c.chain = append(c.chain, name)
	defer func() { c.chain = c.chain[:len(c.chain)-1] }()
	for _, r := range t.requires {
		if f.requires[r.name], err = c.require(name, r); err != nil {
			return err
		}
	}
	return nil
}

// require finds what a name refers to: an app first, then a file beside the one
// that requires it, beside the main one, and in the scripts folder.
func (c *compiler) require(from string, r requireCall) (required, error) {
	fail := func(format string, args ...any) (required, error) {
		return required{}, &SyntaxError{Position: fmt.Sprintf("%s:%d", from, r.line), Message: fmt.Sprintf(format, args...)}
	}
	if _, ok := c.machine.modulesByName[r.name]; ok {
		return required{module: r.name}, nil
	}
	below := strings.ReplaceAll(strings.TrimSuffix(r.name, ".lua"), ".", "/") + ".lua"
	if r.name == "" || !fs.ValidPath(below) {
		return fail("require %q: not a name of an app or a file below the scripts folder", r.name)
	}
	var tried []string
	for _, dir := range []string{path.Dir(from), path.Dir(c.program.main), "."} {
		name := path.Join(dir, below)
		if slices.Contains(tried, name) {
			continue
		}
		if i := slices.Index(c.chain, name); i >= 0 {
			return fail("require %q goes in a circle: %s", r.name, strings.Join(append(slices.Clone(c.chain[i:]), name), " → "))
		}
		if _, ok := c.program.files[name]; ok {
			return required{file: name}, nil
		}
		source, err := c.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			tried = append(tried, name)
			continue
		}
		if err != nil {
			return fail("require %q: %v", r.name, err)
		}
		return required{file: name}, c.compile(name, source)
	}
	apps := c.machine.moduleNames()
	return fail("no app or file called %q%s; looked for %s; %s", r.name, didYouMean(r.name, apps), strings.Join(tried, ", "), appsText(apps))
}

func appsText(apps []string) string {
	if len(apps) == 0 {
		return "there are no apps"
	}
	return "apps are " + strings.Join(apps, ", ")
}

// globalsOf collects the names of globals that a function reads or writes.
func globalsOf(p *lua.FunctionProto, names map[string]bool) {
	for pc := 0; pc < len(p.Code); pc++ {
		inst := p.Code[pc]
		switch int(inst >> 26) {
		case lua.OP_GETGLOBAL, lua.OP_SETGLOBAL:
			if name, ok := p.Constants[inst&0x3ffff].(lua.LString); ok {
				names[string(name)] = true
			}
		case lua.OP_CLOSURE:
			pc += int(p.FunctionPrototypes[inst&0x3ffff].NumUpvalues)
		}
	}
	for _, inner := range p.FunctionPrototypes {
		globalsOf(inner, names)
	}
}
