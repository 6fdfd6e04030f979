package vm

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/bindings"
)

// Host performs what a script calls outside of the script. Its methods are
// called one at a time, in the goroutine of the activation, without its Lua
// slot.
type Host interface {
	// Step performs one step and returns its result as JSON (null or nothing
	// for none). A *FindQuery makes the script find out whether a call was done. A
	// *bindings.Error is raised in the script as an app error. An
	// error that wraps *End ends the activation at once, and pcall does not
	// catch it. Any other error ends the activation as a fault of the engine.
	Step(ctx context.Context, step Step) (json.RawMessage, error)
	// Secret returns the text of a secret, for what is computed inside the
	// script (hmac).
	Secret(name string) (string, error)
	// File reads a stored file of at most maxBytes, by its hash.
	File(hash string, maxBytes int64) ([]byte, error)
	// Log writes a log line of the script; fields is a JSON object or nil.
	Log(level slog.Level, text string, fields json.RawMessage)
	// Replaying reports whether the next step has a record. It is called at the
	// start and after each step. While it is true, instructions and executing
	// time are not charged and nothing is logged.
	Replaying() bool
}

// ReplayFormat is the number of the rules by which runs make their records. It
// is raised when a verb makes its steps in another order, or when the language
// or a pure library returns another result. A run of an older format is
// replayed by the current rules, and blocked if its records do not fit any
// more.
//
//	2: the language has the results of Lua 5.1; time, csv and the libraries
//	   of Lua read and write some texts differently
const ReplayFormat = 2

// StepKind is the kind of a step. The host performs each kind in another way.
type StepKind string

// The kinds of step.
const (
	StepCall     StepKind = "call"     // an operation of an app
	StepPage     StepKind = "page"     // one page of a list, cut to {"items": […], "next": {…}}
	StepRequest  StepKind = "request"  // app.request: an endpoint without an entry
	StepHTTP     StepKind = "http"     // a request to any address
	StepFunction StepKind = "function" // a Go function of a Library
	StepState    StepKind = "state"
	StepLink     StepKind = "link"
	StepEmit     StepKind = "emit"
	StepNow      StepKind = "now"    // the time, RFC 3339 in UTC
	StepRandom   StepKind = "random" // {"min":1,"max":6}; no args: a float64 in [0,1)
	StepUUID     StepKind = "uuid"

	StepWait     StepKind = "wait"     // until a time; After returns the end of a length of time
	StepAwait    StepKind = "wait_for" // the event table, or the decision; an error of kind timeout is returned to the script, not raised
	StepApproval StepKind = "approval" // {"id":"…","url":"…"}
	StepRespond  StepKind = "respond"  // the answer to the request of the run's event
)

// Step is one call of the host by a script.
type Step struct {
	Kind StepKind
	// Name is what the script wrote: "highlevel.contacts.upsert", "state.put".
	Name string
	// App and Operation are set for StepCall and StepPage, App for StepRequest.
	App       *bindings.App
	Operation *bindings.Operation
	// Function is the Go function of StepFunction, for which App has the name of
	// its library and Operation its name and safety.
	Function func(ctx context.Context, args json.RawMessage) (any, error)
	// Args is a JSON object of the arguments, tables encoded by the declared
	// types, in the order in which the script wrote them.
	//
	//	http     {"method","url","headers","query","json","body","file","form","multipart","auth","timeout","as"}
	//	request  {"method","path","query","body"}
	//	state    {"verb","key","value","expected"}
	//	link     {"verb","kind","id","kind2","id2"}
	//	emit     {"type","data","id","lane","connection"}
	//	wait     {"for":"3 days"} or {"until":"2026-12-01T08:00:00Z"}
	//	wait_for {"triggers":[…],"where":{"path":value or [values]},"timeout":"7 days","connection"} or {"approval":"id","timeout"}
	//	approval {"title","text","choices":[…],"timeout"}
	//	respond  {"status","headers":{"name":"value"},"body"}
	Args json.RawMessage
	// Secrets has, by JSON pointer into Args, the secrets that are there as
	// "secret:name". The host replaces them when it sends Args.
	Secrets map[string]Secret
	Options CallOptions
	// InFind is set for a call that the function of the option find makes. It only
	// reads, is no step and has no record.
	InFind bool
	// Found is set when the step is made again after a FindQuery.
	Found *FindResult
	find  *lua.LFunction // the option find
	// Position is where the script makes the step: "crm.lua:12".
	Position string
}

// CallOptions are the options in the second table of a call.
type CallOptions struct {
	Connection string // the part after the slash, or the whole name
	Timeout    time.Duration
	Unchecked  bool // check = false
	AsFile     bool // as = "file": the answer is stored as a file
	Nulls      bool // nulls = true: fields that are null are json.null
	Key        string
	Find       bool // find is set: a FindQuery may be returned
}

// Secret is text with parts that only the host may open, in order.
type Secret []SecretPart

// SecretPart is literal Text, the secret called Name, or the base64 of Of.
type SecretPart struct {
	Text string
	Name string
	Of   Secret
}

// Open returns the whole text; lookup returns the text of a secret by its name.
func (s Secret) Open(lookup func(name string) (string, error)) (string, error) {
	return joinParts(s, lookup)
}

// End is the error of a step that ends the activation: a park, a cancel, a lost
// lease, a shutdown. No pcall catches it.
type End struct{ Cause error }

func (e *End) Error() string { return "the activation ended: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *End) Unwrap() error { return e.Cause }
