package script

import (
	"encoding/json"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// Script is one script as it was loaded. It never changes.
type Script struct {
	// Name is the path below the scripts folder without ".lua" or "/main.lua".
	Name    string
	Version journal.Version
	Program *vm.Program
	// Params is the object that the script reads as params.
	Params json.RawMessage
	// Hooks are in the order of registration: the index is the vm's.
	Hooks []*journal.Hook
	// Limits are those that a hook sets, by index; a field that is zero means the
	// machine's limit.
	Limits []vm.Limits
	// Awaits are the triggers that the script waits for in the middle of a run.
	Awaits []string

	details []detail
	index   map[string]int
}

// detail is the part of a hook that the journal does not need.
type detail struct {
	position  string
	timetable *Timetable
	inbound   []*Inbound
	answers   []string      // the triggers whose senders the hook answers
	within    time.Duration // how long they wait
}

// Index finds a hook by name.
func (s *Script) Index(hook string) (int, bool) {
	i, found := s.index[hook]
	return i, found
}

// Position is where a hook is registered: "crm.lua:12".
func (s *Script) Position(hook int) string { return s.details[hook].position }

// Schedule is an every() hook.
type Schedule struct {
	Hook      *journal.Hook
	Timetable *Timetable
}

// Inbound is an address of the scripts' own, /in/<path>, and how a request there
// is verified.
type Inbound struct {
	Path    string // "/orders"
	Verify  Verify
	ID      EventID
	Methods []string // sorted
	Raw     bool     // the event has the body as it was sent
}

// EventID is where a request has the id of its event. One field is set; if none
// is, each request is a new event.
type EventID struct {
	Path   string // in the data
	Header string
	Query  string // the name of a parameter of the address
}
