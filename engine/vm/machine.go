package vm

// The parts of the package as others use them:
//
//	func New(Config) *Machine
//	func (*Machine) Compile(name string, read func(name string) ([]byte, error)) (*Program, error)
//	func (*Program) Files() map[string][]byte       // main and all it requires, by name
//	func (*Machine) Load(ctx, *Program, Settings) ([]Registration, error)
//	func (*Machine) Run(ctx, *Program, Activation) Outcome

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// Config makes a Machine.
type Config struct {
	// Apps are what scripts can require.
	Apps []*bindings.App
	// Slots bounds the activations that execute Lua at once; zero means one a core.
	Slots int
	// Limits are the defaults; zero fields mean DefaultLimits.
	Limits Limits
}

// Limits bound one activation, or for the Source fields one script.
type Limits struct {
	Instructions int64         // VM instructions, 0: the default
	Memory       int64         // bytes that the script can reach
	Time         time.Duration // executing Lua, host calls not counted
	Steps        int           // steps of the whole run
	Output       int64         // bytes of all log lines
	Depth        int           // calls within calls
	StringLength int           // bytes of one string
	Source       int           // bytes of one file
}

// Settings are what a script's top level may read.
type Settings struct {
	Params json.RawMessage // an object
	Zone   *time.Location
}

// Registration is one on(…) or every(…) of a script.
type Registration struct {
	Triggers []string // of on
	Every    string   // of every
	// Options is a JSON object of the options table; a function in it stands
	// as true and its name in Functions.
	Options   json.RawMessage
	Functions []string
	Secrets   map[string]Secret // by JSON pointer into Options
	Position  string
}

// Activation is one run of a handler.
type Activation struct {
	Settings
	Hook   int             // index of the registration
	Event  json.RawMessage // the event table: id, type, connection, …, data
	App    *bindings.App   // with Data: decodes event.data by its declared type
	Data   *bindings.Type
	Host   Host
	Limits Limits // overrides, zero fields mean the machine's
}

// Outcome is how an activation went. All zero means that the handler returned.
type Outcome struct {
	Skipped bool // its where function said false
	// Err is nil, a *ScriptError, a *LimitError, or what ended the activation
	// from outside (it wraps *End, or ctx.Err()).
	Err error
}

// ScriptError is an error that left a script.
type ScriptError struct {
	Position string // "crm.lua:12"
	Message  string
	App      *bindings.Error // when the script was left by an app error
	Trace    []string        // positions, innermost first
}

func (e *ScriptError) Error() string {
	if e.Position == "" {
		return e.Message
	}
	return e.Position + ": " + e.Message
}

// LimitError says which limit ended an activation, and where.
type LimitError struct {
	Limit    string // instructions, memory, time, steps, output, depth, string length
	Bound    string // "10,000,000 instructions"
	Position string
}

func (e *LimitError) Error() string {
	return e.Position + ": over the limit of " + e.Bound
}

// A Program is a compiled script with all it requires. It is immutable and
// shared by all activations.
type Program struct{}

// A Machine compiles and runs scripts.
type Machine struct{}

// New makes a machine.
func New(Config) *Machine { return &Machine{} }

// Compile compiles the file called name and what it requires.
func (m *Machine) Compile(name string, read func(name string) ([]byte, error)) (*Program, error) {
	return nil, nil
}

// Files gives the sources of the program by name.
func (p *Program) Files() map[string][]byte { return nil }

// Load runs the top level of a program and returns the hooks it registers.
func (m *Machine) Load(ctx context.Context, p *Program, s Settings) ([]Registration, error) {
	return nil, nil
}

// Run runs the handler of one registration.
func (m *Machine) Run(ctx context.Context, p *Program, a Activation) Outcome { return Outcome{} }

func openSecret(s Secret, lookup func(string) (string, error)) (string, error) { return "", nil }
