package ledger

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// The bounds of an event, in bytes.
const (
	maxID   = 1 << 10
	maxData = 64 << 20
)

// arrival is a checked journal.Arrival, with what can be decided without rows.
type arrival struct {
	original    journal.Event
	event       journal.Event   // original as the batch changes it
	hooks       []*journal.Hook // the hooks that name the trigger
	candidates  []candidate
	store       bool // the event is stored unless it is a duplicate
	tick        time.Time
	flood       int
	fingerprint *change.Fingerprint
	fields      change.Fields
}

// candidate is a run that an arrival may make.
type candidate struct {
	Hook *journal.Hook `json:"hook"`
	Lane string        `json:"lane"`
	// Passes is set when the event matches the hook's where. An event that does
	// not match is a candidate only of a hook with changed, which records the
	// value of its field from every event.
	Passes bool `json:"passes"`
}

func (a *arrival) fill(from *journal.Arrival) error {
	a.original = from.Event
	e := &a.original
	switch {
	case e.ID == "" || e.Type == "":
		return fmt.Errorf("event %q of type %q: an event needs an id and a type", e.ID, e.Type)
	case len(e.ID) > maxID:
		return fmt.Errorf("event %q…: the id has %d bytes, at most %d are allowed", e.ID[:60], len(e.ID), maxID)
	case len(e.Data) > maxData:
		return fmt.Errorf("event %q: the data has %d bytes, at most %d are allowed", e.ID, len(e.Data), maxData)
	case len(e.Data) > 0 && !journal.ValidJSON(e.Data):
		return fmt.Errorf("event %q: the data is not JSON", e.ID)
	}
	e.Time = Truncate(e.Time)
	e.Received = Truncate(e.Received)
	a.hooks, a.tick, a.flood, a.fingerprint, a.fields = from.Hooks, from.Tick, from.Flood, from.Fingerprint, from.Fields
	a.store = from.StoreUnmatched || len(from.Hooks) > 0
	for _, h := range from.Hooks {
		if h.Connection != "" && h.Connection != e.Connection {
			continue
		}
		if passes := h.Matches(e); passes || h.Changed != "" {
			a.candidates = append(a.candidates, candidate{h, h.LaneKey(e), passes})
		}
	}
	return nil
}

func fillAll(from []journal.Arrival) ([]arrival, error) {
	all := make([]arrival, len(from))
	for i := range from {
		if err := all[i].fill(&from[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// maxRuns returns how many runs the arrival can make.
func (a *arrival) maxRuns() (n int) {
	for _, c := range a.candidates {
		if c.Passes {
			n++
		}
	}
	return n
}

// noun returns the part of an event's type that names the kind of its record:
// "highlevel.contact" of "highlevel.contact.created". It is empty for an event
// that cannot be an echo.
func noun(e *journal.Event) string {
	switch e.Source {
	case journal.Webhook, journal.Poll, journal.Reconcile:
	default:
		return ""
	}
	if e.Record == "" {
		return ""
	}
	return bindings.TriggerName(e.Type).AppNoun()
}

// collect names the rows that accept needs.
func (a *arrival) collect(b *batch) {
	if !a.store {
		return
	}
	e, w := &a.original, &b.want
	b.ids.want(e.ID, &w.IDs)
	b.awaited.want(e.Type, &w.Awaited)
	if n := noun(e); n != "" {
		b.known.want(RecordKey{e.Connection, n, e.Record}, &w.Known)
	}
	if a.flood > 0 {
		b.floods.want(e.Type, &w.Floods)
	}
	if a.fingerprint != nil {
		b.sightings.want(SightingKey{a.fingerprint.PollKey, a.fingerprint.Record}, &w.Sightings)
	}
	for i := range a.candidates {
		a.candidates[i].collect(b)
	}
	if !a.tick.IsZero() {
		for _, h := range a.hooks {
			b.hooks.want(HookName{h.Script, h.Name}, &w.Hooks)
		}
	}
}

func (c *candidate) collect(b *batch) {
	b.hooks.want(HookName{c.Hook.Script, c.Hook.Name}, &b.want.Hooks)
	b.versions.want(c.Hook.Version, &b.want.Versions)
}

func collectAll(b *batch, all []arrival) {
	for i := range all {
		all[i].collect(b)
	}
}
