package poll

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/script"
)

const (
	// DefaultEvery is how often is looked where neither app nor connection says.
	DefaultEvery = 5 * time.Minute
	// leastEvery keeps a slip of the pen from being a flood.
	leastEvery = 10 * time.Second
)

// mode is what a look does with a change of one trigger.
type mode uint8

const (
	silent mode = iota // note it
	tell               // make an event of it
	leave              // leave it to the other job of the poll
)

// job is one poll of a connection, for one purpose. Its fields are guarded by
// the Poller's lock, but for look, which is the worker's own.
type job struct {
	key   jobKey
	conn  *connection.Connection
	poll  *bindings.Poll
	modes map[string]mode // by trigger
	every time.Duration

	next     time.Time // when it is due
	nudged   map[string]bool
	failures int       // in a row
	failing  time.Time // since when
	problem  string
	stopped  bool      // it failed because the connection is known to be broken
	looked   time.Time // end of the last complete look
	found    int       // events of the last look
	look     *look     // one that was cut off and is to go on
}

// want is what is to be polled of one connection.
type want struct {
	conn       *connection.Connection
	generation *script.Generation
}

// way says how a trigger comes on this connection besides webhooks; empty if
// it does not.
func (w want) way(poll *bindings.Poll, trigger *bindings.Trigger) journal.Source {
	setting := w.conn.PollEvery()
	switch {
	case setting > 0, setting == 0 && (trigger.Vendor == "" || slices.Contains(poll.Auths, w.conn.AuthName())):
		return journal.Poll
	case poll.Reconcile && w.conn.ReconcileEvery() > 0:
		return journal.Reconcile
	}
	return ""
}

// live reports whether anybody takes events of a trigger.
func (w want) live(trigger string) bool {
	return len(w.generation.Match(trigger, w.conn.Name())) > 0 || w.generation.Awaited(trigger, w.conn.Name())
}

// triggers are those that a poll tells, patterns replaced by what they stand
// for.
func triggers(app *bindings.App, poll *bindings.Poll) (all []*bindings.Trigger) {
	for _, name := range poll.Triggers() {
		if t, found := app.Catalogue.Trigger(name); found {
			all = append(all, t)
			continue
		}
		for _, known := range app.Catalogue.Triggers() {
			if journal.MatchTrigger(name, known) {
				t, _ := app.Catalogue.Trigger(known)
				all = append(all, t)
			}
		}
	}
	return all
}

// jobs are what is to be done about one poll of the connection.
func (w want) jobs(poll *bindings.Poll) []*job {
	all := triggers(w.conn.App(), poll)
	ways := map[string]journal.Source{}
	taken := map[journal.Source]bool{}
	for _, t := range all {
		ways[t.Name] = w.way(poll, t)
		taken[ways[t.Name]] = taken[ways[t.Name]] || w.live(t.Name)
	}
	var jobs []*job
	for source, every := range map[journal.Source]time.Duration{journal.Poll: w.conn.PollEvery(), journal.Reconcile: w.conn.ReconcileEvery()} {
		if !taken[source] {
			continue
		}
		if every <= 0 {
			every = poll.Every
		}
		if every <= 0 {
			every = DefaultEvery
		}
		j := &job{
			key: jobKey{change.PollKey{Connection: w.conn.Name(), Poll: poll.Name}, source}, conn: w.conn, poll: poll,
			modes: map[string]mode{}, every: max(every, leastEvery),
		}
		for _, t := range all {
			switch way := ways[t.Name]; {
			case way == source && w.live(t.Name):
				j.modes[t.Name] = tell
			case way != source && taken[way]:
				j.modes[t.Name] = leave
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// plan takes up what is to be polled now, keeps where known jobs stand, and
// forgets the others.
func (p *Poller) plan(generation *script.Generation) {
	planned := map[jobKey]*job{}
	for _, conn := range p.Connections() {
		if !conn.Pollable() {
			continue
		}
		w := want{conn, generation}
		for i := range conn.App().Polls {
			for _, j := range w.jobs(&conn.App().Polls[i]) {
				planned[j.key] = j
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	for key, j := range planned {
		old := p.jobs[key]
		switch {
		case old == nil:
			// Not all at once after a start.
			j.next = now.Add(time.Duration(p.Random() * float64(min(j.every/10, time.Minute))))
		default:
			if old.stopped && j.conn.Problem() == nil { // it was mended
				old.next, old.stopped = now, false
			}
			if old.every != j.every && old.next.After(now.Add(j.every)) {
				old.next = now.Add(j.every)
			}
			// A look under way goes on with what it began with.
			old.conn, old.poll, old.modes, old.every = j.conn, j.poll, j.modes, j.every
			planned[key] = old
		}
	}
	p.jobs = planned
	p.hand()
}
