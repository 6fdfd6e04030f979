package sqlite

import (
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// memory is a cache of the file. It is valid because the store has one owner, and
// it changes after COMMIT only.
type memory struct {
	live int   // runs that have not ended
	last int64 // the newest number of a row

	hooks    map[ledger.HookName]ledger.Hook
	versions map[string]int64
	polls    map[pollName]int64
	floods   map[string]ledger.Flood
	seen     seenIDs
	// awaited is the paths of the awaits of a trigger; awaits that have ended may
	// be among them.
	awaited map[string]map[string]bool
	// nouns are the "connection noun" of the rows in the table written; deleted
	// rows may be among them.
	nouns map[string]bool
	// open is the open steps of runs: those with rows in the tables of own writes
	// and of deferred events.
	open map[int64]map[int]openStep
}

type pollName struct{ connection, name string }

// openStep is which of two tables have rows of a step: written those that its
// call changes, deferred the events that wait for its end.
type openStep struct{ written, deferred bool }

func (m *memory) setOpen(step ledger.StepKey, change func(*openStep)) {
	steps := m.open[step.Run]
	s := steps[step.Number]
	change(&s)
	switch {
	case s != openStep{}:
		if steps == nil {
			steps = map[int]openStep{}
			m.open[step.Run] = steps
		}
		steps[step.Number] = s
	case steps != nil:
		if delete(steps, step.Number); len(steps) == 0 {
			delete(m.open, step.Run)
		}
	}
}

func (m *memory) await(trigger, path string) {
	if m.awaited[trigger] == nil {
		m.awaited[trigger] = map[string]bool{}
	}
	m.awaited[trigger][path] = true
}

// commitMemory applies the changes of a committed transaction.
func (t *tx) commitMemory() {
	for _, f := range t.afterCommit {
		f()
	}
	t.seen.commit(t.filled, t.ids)
	c := t.changes
	t.dispatch.CacheRows(t.loaded, c)
	if c == nil {
		return
	}
	t.live, t.last = c.Live, c.Last
	for _, a := range c.Awaits {
		if a.Trigger != approvalTrigger {
			t.await(a.Trigger, a.Path)
		}
	}
	for _, f := range c.Floods {
		t.floods[f.Trigger] = f.Flood
	}
	for _, a := range c.Allow {
		t.allow(a.Trigger)
	}
	for _, step := range c.DropKnown {
		t.setOpen(step, func(s *openStep) { s.written = false })
	}
	for _, k := range c.Known {
		t.nouns[noun(k.Connection, k.Noun)] = true
		if k.Step != (ledger.StepKey{}) {
			t.setOpen(k.Step, func(s *openStep) { s.written = true })
		}
	}
	for _, step := range c.DropDeferred {
		t.setOpen(step, func(s *openStep) { s.deferred = false })
	}
	for _, d := range c.Deferred {
		t.setOpen(d.Step, func(s *openStep) { s.deferred = true })
	}
}

func noun(connection, noun string) string { return connection + " " + noun }

// allow applies a ledger.AllowFlood.
func (m *memory) allow(trigger string) {
	for name, f := range m.floods {
		if f.Flooding && (trigger == "" || trigger == name) {
			f.Flooding, f.Allowed = false, true
			m.floods[name] = f
		}
	}
}
