// Package doctor finds what does not recover without a person: scripts that do
// not load, runs that wait for a decision, lanes that are stopped, waits that
// nothing can end, hosts that do not answer, lists that cannot be read, a journal
// that cannot be written. It also examines the data folder of an engine that does
// not run.
package doctor

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/ownership"
	"github.com/tidewire/tidewire/engine/poll"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/subscription"
)

// How long a state may last before it is reported.
const (
	maxLane      = time.Hour
	maxOverdue   = time.Minute      // after the moment at which a timer was due
	maxPoll      = time.Hour        // in which all reads of a list fail
	maxThrottled = 10 * time.Minute // from when a run was made
	limitedSince = 24 * time.Hour   // for failed runs
)

// Store is what Examine reads of the journal.
type Store interface {
	Runs(ctx context.Context, q journal.RunQuery) ([]journal.Run, error)
	Lanes(ctx context.Context) ([]journal.LaneStatus, error)
	Floods(ctx context.Context) ([]journal.Flood, error)
	Version(ctx context.Context, hash string) (journal.Version, error)
	Pending(ctx context.Context) (journal.Pending, error)
}

// Engine is the parts of an installation that Examine looks into. Apps and Clock are
// needed; a part that is nil is not examined.
type Engine struct {
	Apps        []*bindings.App
	Store       Store
	Scripts     *script.Set
	Connections *connection.Set
	Polls       *poll.Index
	Webhooks    *subscription.Registrar
	Circuits    func() []call.Circuit // that are open
	Clock       clock.Clock
	// Of a running engine: the path of the journal's file, and its health.
	Journal string
	Health  func() journal.Health
}

// Examine returns what it finds, each with what to do; with an error, what it found
// before.
func Examine(ctx context.Context, e Engine) ([]control.Finding, error) {
	d := diagnosis{Engine: e, now: e.Clock.Now(), versions: map[string]boundVersion{}, causes: map[cause]causeFinding{}}
	for _, part := range []struct {
		there   bool
		examine func(context.Context) error
	}{
		{e.Health != nil && e.Store != nil, d.journal},
		{e.Scripts != nil, d.scripts},
		{e.Connections != nil, d.connections},
		{e.Store != nil, d.undecided},
		{e.Store != nil, d.blocked},
		{e.Store != nil, d.floods},
		{e.Store != nil, d.restored},
		{e.Store != nil && e.Connections != nil, d.waits},
		{e.Store != nil && e.Scripts != nil, d.outdated},
		{e.Store != nil, d.overdue},
		{e.Store != nil, d.limited},
		{e.Circuits != nil, d.circuits},
		{e.Store != nil, d.lanes},
		{e.Polls != nil, d.polls},
		{e.Webhooks != nil, d.webhooks},
	} {
		if !part.there {
			continue
		}
		if err := part.examine(ctx); err != nil {
			return d.findings, fmt.Errorf("examine the runs: %w", err)
		}
	}
	return d.findings, nil
}

// journal finds a journal that cannot be written, or lacks commits.
func (d *diagnosis) journal(ctx context.Context) error {
	if h := d.Health(); h.Reason != "" {
		b, err := d.Store.Pending(ctx)
		if err != nil {
			return err
		}
		d.findings = append(d.findings, journalFinding(h, b, d.now))
	}
	if err := ownership.CheckFolder("the data folder", filepath.Dir(d.Journal)); err != nil {
		d.findings = append(d.findings, control.Finding{Kind: "folder", Text: err.Error(), Do: openFolderDo})
	}
	d.findings = append(d.findings, Damaged(d.Journal)...)
	return nil
}

// diagnosis has the state and the results of one Examine.
type diagnosis struct {
	Engine
	now      time.Time
	versions map[string]boundVersion // by hash
	findings []control.Finding
	causes   map[cause]causeFinding
}

// cause is what one or more runs of a script need a person for.
type cause struct {
	kind, script string
	what         string // which of several causes of this kind
}

// causeFinding is the finding about a cause: its index, and the text about the first
// run.
type causeFinding struct {
	index int
	text  string
}

// add adds a run to the finding of its cause. do is what to do about this run, doAll
// about several.
func (d *diagnosis) add(c cause, run journal.Run, text, do, doAll string) {
	at := run.Created
	if run.Park != nil {
		at = run.Park.Since
	}
	since := at.UTC().Format(time.RFC3339)
	first, known := d.causes[c]
	if !known {
		d.causes[c] = causeFinding{len(d.findings), text}
		d.findings = append(d.findings, control.Finding{Kind: c.kind, Run: run.ID, Runs: 1, Text: text, Since: since, Do: do})
		return
	}
	f := &d.findings[first.index]
	f.Runs++
	f.Text = fmt.Sprintf("%d runs of %s, such as this one: %s", f.Runs, c.script, first.text)
	f.Since, f.Do = min(f.Since, since), doAll
}

// selection is the flags of tidewire runs … that select the runs of a script in a
// state.
func selection(run journal.Run) string {
	return "--script " + run.Script + " --state " + string(run.State)
}

// each calls f for all runs that q selects.
func (d *diagnosis) each(ctx context.Context, q journal.RunQuery, f func(journal.Run)) error {
	q.Limit = 500
	for {
		runs, err := d.Store.Runs(ctx, q)
		if err != nil {
			return err
		}
		for _, run := range runs {
			f(run)
			q.Before = run.Seq
		}
		if len(runs) < q.Limit {
			return nil
		}
	}
}

// listRuns is the command that lists the runs of a script in the state of one.
func listRuns(run journal.Run) string { return "tidewire runs list " + selection(run) }

func problemText(run journal.Run) string {
	if run.Problem == nil {
		return string(run.State)
	}
	return run.Problem.Text()
}

// scripts finds those that cannot be loaded.
func (d *diagnosis) scripts(context.Context) error {
	for _, p := range d.Scripts.Problems() {
		state := "it is not live"
		switch {
		case p.LastVersionLive:
			state = "its last version stays live"
		case slices.Contains(d.Scripts.Unloaded(), p.Script):
			state = "it is not live, and senders of events without a hook are asked to send them again"
		}
		d.findings = append(d.findings, control.Finding{Kind: "script", Text: fmt.Sprintf("%s was not loaded, %s: %v", cmp.Or(p.Script, p.File), state, p), Do: "fix the script and save it"})
	}
	return nil
}

// connections finds connections that cannot be used.
func (d *diagnosis) connections(context.Context) error {
	for _, c := range d.Connections.All() {
		s := c.Status()
		ofParent := c.Parent() != nil && c.Parent().Problem() != nil && !c.Misconfigured()
		if s.State == connection.Connected || ofParent {
			continue
		}
		do := "tidewire connect " + s.Name
		if c.Misconfigured() && s.Configured {
			do = "correct it in the configuration and start the engine again"
		}
		d.findings = append(d.findings, control.Finding{Kind: "connection", Since: s.Since.UTC().Format(time.RFC3339), Text: fmt.Sprintf("connection %q cannot be used: %s", s.Name, s.Reason), Do: do})
	}
	for _, p := range d.Connections.Problems() {
		d.findings = append(d.findings, control.Finding{Kind: "connection", Text: p.Error(), Do: "correct it in the configuration and start the engine again"})
	}
	return nil
}

// floods finds triggers whose runs are paused.
func (d *diagnosis) floods(ctx context.Context) error {
	floods, err := d.Store.Floods(ctx)
	if err != nil {
		return err
	}
	for _, f := range floods {
		d.findings = append(d.findings, control.Finding{Kind: "flood", Since: f.Since.Format(time.RFC3339),
			Text: fmt.Sprintf("%d runs of %s are paused: more events came in a minute than flood allows", f.Runs, f.Trigger),
			Do:   "tidewire events release " + f.Trigger + ", or: tidewire events drop " + f.Trigger})
	}
	return nil
}

// restored finds runs that a restore has paused.
func (d *diagnosis) restored(ctx context.Context) error {
	return d.each(ctx, journal.RunQuery{Reason: journal.Restored}, func(run journal.Run) {
		all := "--script " + run.Script + " --reason " + string(run.Reason)
		d.add(cause{"restored", run.Script, ""}, run, "it is paused, as the data folder was restored: its work may have been done between the backup and that",
			"check at the vendors, then: tidewire runs release "+run.ID+", or: tidewire runs cancel "+run.ID,
			"check at the vendors, then: tidewire runs release "+all+", or: tidewire runs cancel "+all+", which list them first")
	})
}

// circuits finds hosts that do not answer.
func (d *diagnosis) circuits(context.Context) error {
	for _, c := range d.Circuits() {
		do := "the runs that wait for it are throttled, and go on by themselves once it answers"
		if c.Lookup {
			do = "the runs whose calls are looked up there are held, and go on by themselves once it answers"
		}
		d.findings = append(d.findings, control.Finding{Kind: "circuit", Since: c.Opened.UTC().Format(time.RFC3339), Text: c.String(), Do: do})
	}
	return nil
}

// polls finds lists that could not be read for long.
func (d *diagnosis) polls(context.Context) error {
	for _, p := range d.Polls.Status() {
		if p.Failing.IsZero() || d.now.Sub(p.Failing) < maxPoll {
			continue
		}
		d.findings = append(d.findings, control.Finding{
			Kind: "poll", Since: p.Failing.UTC().Format(time.RFC3339),
			Text: fmt.Sprintf("%s of %s cannot be read: %s", p.Poll, p.Connection, p.Problem),
			Do:   "fix the reason; the next attempt is at " + p.Next.UTC().Format(time.RFC3339),
		})
	}
	return nil
}

// webhooks finds webhooks that are not registered or renewed.
func (d *diagnosis) webhooks(context.Context) error {
	for _, p := range d.Webhooks.Problems() {
		text := p.Connection
		if p.Subscription != "" {
			text += " " + p.Subscription
		}
		if p.Item != "" {
			text += " of " + p.Item
		}
		f := control.Finding{Kind: "webhook", Text: text + ": " + p.Text, Do: p.Do}
		if !p.Since.IsZero() {
			f.Since = p.Since.UTC().Format(time.RFC3339)
		}
		d.findings = append(d.findings, f)
	}
	return nil
}
