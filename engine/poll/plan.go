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
	// DefaultEvery is the interval of a poll where neither the app nor the
	// connection has one.
	DefaultEvery = 5 * time.Minute
	// minEvery bounds the interval, so that a typing error does not flood the
	// vendor with requests.
	minEvery = 10 * time.Second
)

// mode is what a scan does with a change of one trigger.
type mode uint8

const (
	observeOnly mode = iota // store its state, without an event
	report                  // make an event
	otherJob                // the other job of the poll handles it
)

// job is one poll of a connection, for one purpose. Index.mu guards its fields,
// except scan, which only the worker uses.
type job struct {
	key   jobKey
	conn  *connection.Connection
	poll  *bindings.Poll
	modes map[string]mode // by trigger
	every time.Duration

	next      time.Time // when it is due
	requested map[string]bool
	failures  int       // in a row
	failing   time.Time // since when
	problem   string
	stopped   bool      // it failed because the connection is known to be broken
	scanned   time.Time // end of the last complete scan
	found     int       // events of the last scan
	scan      *scan     // one that failed and is to be resumed
}

// wanted decides what is polled of one connection.
type wanted struct {
	conn       *connection.Connection
	generation *script.Generation
}

// source is how a trigger is received on this connection besides webhooks;
// empty if it is not.
func (w wanted) source(poll *bindings.Poll, trigger *bindings.Trigger) journal.Source {
	setting := w.conn.PollEvery()
	switch {
	case setting > 0, setting == 0 && (trigger.Vendor == "" || slices.Contains(poll.Auths, w.conn.AuthName())):
		return journal.Poll
	case poll.Reconcile && w.conn.ReconcileEvery() > 0:
		return journal.Reconcile
	}
	return ""
}

// live reports whether a hook or a wait has a trigger.
func (w wanted) live(trigger string) bool {
	return len(w.generation.Match(trigger, w.conn.Name())) > 0 || w.generation.Awaited(trigger, w.conn.Name())
}

// triggers are those of a poll; patterns are replaced by the triggers that they
// match.
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

// jobs are the jobs of one poll of the connection, one for each purpose.
func (w wanted) jobs(poll *bindings.Poll) []*job {
	all := triggers(w.conn.App(), poll)
	sources := map[string]journal.Source{}
	needed := map[journal.Source]bool{}
	for _, t := range all {
		sources[t.Name] = w.source(poll, t)
		needed[sources[t.Name]] = needed[sources[t.Name]] || w.live(t.Name)
	}
	var jobs []*job
	for source, every := range map[journal.Source]time.Duration{journal.Poll: w.conn.PollEvery(), journal.Reconcile: w.conn.ReconcileEvery()} {
		if !needed[source] {
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
			modes: map[string]mode{}, every: max(every, minEvery),
		}
		for _, t := range all {
			switch found := sources[t.Name]; {
			case found == source && w.live(t.Name):
				j.modes[t.Name] = report
			case found != source && needed[found]:
				j.modes[t.Name] = otherJob
			}
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// plan adds the jobs of a generation, keeps the state of those that exist, and
// removes the others.
func (x *Index) plan(generation *script.Generation) {
	planned := map[jobKey]*job{}
	for _, conn := range x.config.Connections() {
		if !conn.Pollable() {
			continue
		}
		w := wanted{conn, generation}
		for i := range conn.App().Polls {
			for _, j := range w.jobs(&conn.App().Polls[i]) {
				planned[j.key] = j
			}
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.config.Clock.Now()
	for key, j := range planned {
		old := x.jobs[key]
		switch {
		case old == nil:
			// Not all polls at once after a start.
			j.next = now.Add(time.Duration(x.config.Random() * float64(min(j.every/10, time.Minute))))
		default:
			if old.stopped && j.conn.Problem() == nil { // it works again
				old.next, old.stopped = now, false
			}
			if old.every != j.every && old.next.After(now.Add(j.every)) {
				old.next = now.Add(j.every)
			}
			// A scan that is under way is not changed.
			old.conn, old.poll, old.modes, old.every = j.conn, j.poll, j.modes, j.every
			planned[key] = old
		}
	}
	x.jobs = planned
	x.assignRequests()
}
