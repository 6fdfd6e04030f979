package vm

import (
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
	Depth        int           // calls within calls; not above the machine's
	StringLength int           // bytes of one string
	Source       int           // bytes of one file
}

// DefaultLimits hold where nothing else is said.
var DefaultLimits = Limits{
	Instructions: 50_000_000,
	Memory:       64 << 20,
	Time:         5 * time.Second,
	Steps:        10_000,
	Output:       1 << 20,
	Depth:        180,
	StringLength: 8 << 20,
	Source:       256 << 10,
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
	// Err is nil, a *ScriptError, a *LimitError, a *Fault, or what ended the
	// activation from outside (it wraps *End, or ctx.Err()).
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
	if e.Position == "" {
		return "over the limit of " + e.Bound
	}
	return e.Position + ": over the limit of " + e.Bound
}

// Fault is a mistake of the engine, not of the script: a panic in a library
// function, or an error of the host that is none of the script's business.
type Fault struct {
	Position string
	Err      error
	Stack    string // of the panic
}

func (e *Fault) Error() string {
	if e.Position == "" {
		return "fault of the engine: " + e.Err.Error()
	}
	return e.Position + ": fault of the engine: " + e.Err.Error()
}

// Unwrap gives what went wrong.
func (e *Fault) Unwrap() error { return e.Err }
