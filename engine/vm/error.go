package vm

import "github.com/tidewire/tidewire/bindings"

// ScriptError is an error that left a script.
type ScriptError struct {
	Position string // "crm.lua:12"
	Message  string
	App      *bindings.Error // set for an app error
	// Step is the number of the step that the app error came from. It is set
	// only for the table itself that the step raised or returned, also when it
	// was raised again.
	Step  int
	Trace []string // positions, innermost first
}

func (e *ScriptError) Error() string {
	if e.Position == "" {
		return e.Message
	}
	return e.Position + ": " + e.Message
}

// LimitError is the error of an activation that exceeded a limit.
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

// Fault is a fault of the engine, not of the script: a panic in a library
// function, or an error of the host that no script can handle.
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

// Unwrap returns the cause.
func (e *Fault) Unwrap() error { return e.Err }

// SyntaxError is the error for a file that cannot be compiled.
type SyntaxError struct {
	Position string // "crm.lua:12"
	Message  string
}

func (e *SyntaxError) Error() string { return e.Position + ": " + e.Message }
