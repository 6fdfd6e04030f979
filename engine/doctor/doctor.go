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
	"strings"
	"time"
	"unicode"

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
	"github.com/tidewire/tidewire/engine/vm"
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

func (d *diagnosis) undecided(ctx context.Context) error {
	return d.each(ctx, journal.RunQuery{State: journal.Held}, func(run journal.Run) {
		call, connection := "", ""
		if p := run.Problem; p != nil && p.App != nil {
			call = strings.Trim(p.App.App+"."+p.App.Operation, ".")
			connection = cmp.Or(p.App.Connection, p.App.App)
		}
		what := call + " " + lookupProblem(run.Problem)
		do := "check whether the vendor did it, then: tidewire runs decide "
		if run.Park != nil && !run.Park.Until.IsZero() {
			if call == "" || run.Problem.App.Kind != bindings.BrokenConnection { // the look-up goes on
				return
			}
			what += " " + connection
			do = "tidewire connect " + connection + ", and the look-up goes on; or " + do
		}
		d.add(cause{"held", run.Script, what}, run, problemText(run), do+run.ID+" retry|skip|fail",
			do+"--script "+run.Script+operationFlag(call)+" retry|skip|fail, which lists them first")
	})
}

// lookupProblem returns why a look-up did not decide about the call of a held run,
// without what differs between runs; empty if there was none.
func lookupProblem(p *journal.Problem) string {
	if p == nil || p.App == nil {
		return ""
	}
	why, found := strings.CutPrefix(p.Message, p.App.Error()+"; ")
	if !found {
		return ""
	}
	why, _, _ = strings.Cut(why, ":")
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, why)
}

func operationFlag(call string) string {
	if call == "" {
		return ""
	}
	return " --operation " + call
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

func (d *diagnosis) blocked(ctx context.Context) error {
	return d.each(ctx, journal.RunQuery{State: journal.Blocked}, func(run journal.Run) {
		what := ""
		do, doAll := "fix the script, then: tidewire runs migrate "+run.ID, "fix the script, then: tidewire runs migrate "+selection(run)
		if run.Park != nil && !run.Park.Until.IsZero() { // the run itself asks again
			what = "approval"
			do = "have the customer approve it, and the run goes on; or: tidewire runs cancel "
			do, doAll = do+run.ID, do+"RUN, for those that "+listRuns(run)+" has"
		}
		if run.Problem != nil && run.Problem.App != nil {
			name := run.Problem.App.Connection
			if name == "" {
				name = run.Problem.App.App
			}
			what = name
			do = "tidewire connect " + name + ", and the run goes on; or: tidewire runs retry " + run.ID
			doAll = "tidewire connect " + name + ", and the runs go on; or: tidewire runs retry " + selection(run)
		}
		d.add(cause{"blocked", run.Script, what}, run, problemText(run), do, doAll)
	})
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

// outdated finds runs whose version cannot be loaded, or began under an older
// replay format. Blocked runs whose reason is not an app are left out: that
// reason is reported already.
func (d *diagnosis) outdated(ctx context.Context) error {
	for _, state := range []journal.State{journal.Waiting, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked} {
		err := d.each(ctx, journal.RunQuery{State: state}, func(run journal.Run) {
			if state == journal.Blocked && (run.Problem == nil || run.Problem.App == nil) {
				return
			}
			version := d.version(ctx, run.Bound)
			switch {
			case version.err != nil:
				d.add(cause{"version", run.Script, run.Bound}, run, fmt.Sprintf("its version cannot be loaded: %v", version.err),
					"tidewire runs migrate "+run.ID, "tidewire runs migrate "+selection(run))
			case version.format < vm.ReplayFormat:
				d.add(cause{"format", run.Script, fmt.Sprint(version.format)}, run, fmt.Sprintf("it began under replay format %d, and the language was corrected since (now %d): "+
					"it is replayed by the present rules, and blocked if its records do not fit", version.format, vm.ReplayFormat),
					"to see now whether they fit: tidewire runs migrate "+run.ID, "to see now whether they fit: tidewire runs migrate "+selection(run))
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// waits finds waits that nothing can end.
func (d *diagnosis) waits(ctx context.Context) error {
	return d.each(ctx, journal.RunQuery{State: journal.Waiting}, func(run journal.Run) {
		if run.Park == nil || run.Park.Await == nil {
			return
		}
		for _, trigger := range run.Park.Await.Triggers {
			app := bindings.TriggerName(trigger).App()
			if !d.isApp(app) {
				continue
			}
			name := run.Park.Await.Connections[app]
			if _, found := d.Connections.Get(name); !found {
				d.add(cause{"wait", run.Script, trigger + " " + name}, run, fmt.Sprintf("it waits for %s, and there is no connection %q to send it", trigger, name),
					"add the connection, or: tidewire runs cancel "+run.ID, "add the connection, or cancel those that "+listRuns(run)+" has")
			}
		}
	})
}

func (d *diagnosis) isApp(name string) bool {
	for _, app := range d.Apps {
		if app.Name == name {
			return true
		}
	}
	return false
}

// boundVersion is a version that runs are bound to.
type boundVersion struct {
	format int
	err    error // why it cannot be loaded
}

// version loads the version that a run is bound to.
func (d *diagnosis) version(ctx context.Context, hash string) boundVersion {
	if hash == "" {
		return boundVersion{format: vm.ReplayFormat}
	}
	if loaded, found := d.versions[hash]; found {
		return loaded
	}
	version, err := d.Store.Version(ctx, hash)
	if err == nil {
		_, err = d.Scripts.LoadVersion(ctx, version)
	}
	d.versions[hash] = boundVersion{version.Format, err}
	return d.versions[hash]
}

// overdue finds runs whose timer did not fire.
func (d *diagnosis) overdue(ctx context.Context) error {
	for _, state := range []journal.State{journal.Waiting, journal.Retrying, journal.Throttled} {
		err := d.each(ctx, journal.RunQuery{State: state}, func(run journal.Run) {
			if p := run.Park; p != nil && !p.Until.IsZero() && d.now.Sub(p.Until) > maxOverdue {
				d.add(cause{"overdue", run.Script, string(state)}, run, "it should have gone on at "+p.Until.UTC().Format(time.RFC3339),
					"tidewire runs retry "+run.ID+", and report this as a fault", "tidewire runs retry "+selection(run)+", and report this as a fault")
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// limited finds runs that a rate limit delays for long, or made fail.
func (d *diagnosis) limited(ctx context.Context) error {
	err := d.each(ctx, journal.RunQuery{State: journal.Throttled}, func(run journal.Run) {
		if name := limitOf(run); name != "" && d.now.Sub(run.Created) > maxThrottled {
			d.add(cause{"throttled", run.Script, name}, run, fmt.Sprintf("a rate limit of %s delays it, and it was made more than %s ago: %s", name, maxThrottled, problemText(run)),
				"it goes on by itself; send fewer calls, or ask the vendor for a higher limit", "they go on by themselves; send fewer calls, or ask the vendor for a higher limit")
		}
	})
	if err != nil {
		return err
	}
	failed, err := d.Store.Runs(ctx, journal.RunQuery{State: journal.Failed, Since: d.now.Add(-limitedSince), Limit: 500})
	for _, run := range failed {
		if name := limitOf(run); name != "" {
			d.add(cause{"limited", run.Script, name}, run, fmt.Sprintf("it failed within the last day because of a rate limit of %s: %s", name, problemText(run)),
				"tidewire runs retry "+run.ID+"; give the hook more attempts in retry", "tidewire runs retry "+selection(run)+" --since 24h; give the hook more attempts in retry")
		}
	}
	return err
}

// limitOf returns whose rate limit is the problem of a run, empty if none is.
func limitOf(run journal.Run) string {
	if p := run.Problem; p != nil && p.App != nil && p.App.Kind == bindings.RateLimited {
		return cmp.Or(p.App.Connection, p.App.App, p.App.Operation)
	}
	return ""
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

func (d *diagnosis) lanes(ctx context.Context) error {
	lanes, err := d.Store.Lanes(ctx)
	if err != nil {
		return err
	}
	for _, l := range lanes {
		if d.now.Sub(l.Since) < maxLane || l.Queued == 0 {
			continue
		}
		owner := journal.Run{ID: l.Run, Script: l.Script, State: l.State, Created: l.Since}
		d.add(cause{"lane", l.Script, l.Hook + " " + string(l.State)}, owner,
			fmt.Sprintf("it is %s, and in its lane of %s %s %s behind it", l.State, l.Script, l.Hook, runsWait(l.Queued)),
			"tidewire runs show "+l.Run, listRuns(owner))
	}
	return nil
}

func runsWait(n int) string {
	if n == 1 {
		return "1 run waits"
	}
	return fmt.Sprintf("%d runs wait", n)
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
