package engine

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// How long something may stand before the doctor speaks of it.
const (
	longLane = time.Hour
	longDue  = time.Minute // after the moment at which a timer should have come
	longPoll = time.Hour   // that looks at a list fail
)

// Doctor lists what will not mend itself: scripts that do not load, runs that a
// person must decide about, lanes that stand, waits that nothing can end, lists that cannot be read.
func (e *Engine) Doctor(ctx context.Context) ([]control.Finding, error) {
	d := examination{engine: e, now: e.config.Now(), versions: map[string]boundVersion{}}
	for _, look := range []func(context.Context) error{d.scripts, d.held, d.blocked, d.floods, d.waits, d.outdated, d.overdue, d.lanes, d.polls, d.webhooks} {
		if err := look(ctx); err != nil {
			return nil, fmt.Errorf("examine the runs: %w", err)
		}
	}
	return d.found, nil
}

// examination is one look at everything that stands.
type examination struct {
	engine   *Engine
	now      time.Time
	versions map[string]boundVersion // by hash
	found    []control.Finding
}

func (d *examination) say(kind string, run journal.Run, text, do string) {
	since := run.Created
	if run.Park != nil {
		since = run.Park.Since
	}
	d.found = append(d.found, control.Finding{Kind: kind, Run: run.ID, Text: text, Since: since.UTC().Format(time.RFC3339), Do: do})
}

// each goes through all runs of a state.
func (d *examination) each(ctx context.Context, state journal.State, look func(journal.Run)) error {
	q := journal.RunQuery{State: state, Limit: 500}
	for {
		runs, err := d.engine.store.Runs(ctx, q)
		if err != nil {
			return err
		}
		for _, run := range runs {
			look(run)
			q.Before = run.Seq
		}
		if len(runs) < q.Limit {
			return nil
		}
	}
}

func problemText(run journal.Run) string {
	if run.Problem == nil {
		return string(run.State)
	}
	return run.Problem.Text()
}

// scripts finds those whose files cannot be loaded as they stand.
func (d *examination) scripts(context.Context) error {
	for _, p := range d.engine.scripts.Problems() {
		state := "it is not live"
		if p.Kept {
			state = "its last version stays live"
		}
		d.found = append(d.found, control.Finding{Kind: "script", Text: fmt.Sprintf("%s was not loaded, %s: %v", p.Script, state, p), Do: "mend the script and save it"})
	}
	return nil
}

func (d *examination) held(ctx context.Context) error {
	return d.each(ctx, journal.Held, func(run journal.Run) {
		d.say("held", run, problemText(run), "look whether the vendor did it, then: tidewire runs decide "+run.ID+" retry|skip|fail")
	})
}

func (d *examination) blocked(ctx context.Context) error {
	return d.each(ctx, journal.Blocked, func(run journal.Run) {
		do := "mend the script, then: tidewire runs migrate " + run.ID
		if run.Park != nil && !run.Park.Until.IsZero() { // it looks again by itself
			do = "have the customer approve it, and the run goes on; or: tidewire runs cancel " + run.ID
		}
		if run.Problem != nil && run.Problem.App != nil {
			name := run.Problem.App.Connection
			if name == "" {
				name = run.Problem.App.App
			}
			do = "tidewire connect " + name + ", and the run goes on; or: tidewire runs retry " + run.ID
		}
		d.say("blocked", run, problemText(run), do)
	})
}

// floods finds triggers whose runs are paused.
func (d *examination) floods(ctx context.Context) error {
	floods, err := d.engine.store.Floods(ctx)
	if err != nil {
		return err
	}
	for _, f := range floods {
		d.found = append(d.found, control.Finding{Kind: "flood", Since: f.Since.Format(time.RFC3339),
			Text: fmt.Sprintf("%d runs of %s are paused: more events came in a minute than flood allows", f.Runs, f.Trigger),
			Do:   "tidewire events release " + f.Trigger + ", or: tidewire events drop " + f.Trigger})
	}
	return nil
}

// outdated finds runs whose version cannot be loaded any more, or was loaded
// under an older replay format. A run that its records or its version blocked
// has that reason already.
func (d *examination) outdated(ctx context.Context) error {
	for _, state := range []journal.State{journal.Waiting, journal.Retrying, journal.Throttled, journal.Held, journal.Blocked} {
		err := d.each(ctx, state, func(run journal.Run) {
			if state == journal.Blocked && (run.Problem == nil || run.Problem.App == nil) {
				return
			}
			version := d.version(ctx, run.Bound)
			switch {
			case version.err != nil:
				d.say("version", run, fmt.Sprintf("its version cannot be loaded: %v", version.err), "tidewire runs migrate "+run.ID)
			case version.format < vm.ReplayFormat:
				d.say("format", run, fmt.Sprintf("it began under replay format %d, and the language was corrected since (now %d): "+
					"it is replayed by the present rules, and blocked if its records do not fit", version.format, vm.ReplayFormat),
					"to see now whether they fit: tidewire runs migrate "+run.ID)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// waits finds waits that nothing can end.
func (d *examination) waits(ctx context.Context) error {
	return d.each(ctx, journal.Waiting, func(run journal.Run) {
		if run.Park == nil || run.Park.Await == nil {
			return
		}
		for _, trigger := range run.Park.Await.Triggers {
			app, _, _ := strings.Cut(trigger, ".")
			if !d.isApp(app) {
				continue
			}
			name := run.Park.Await.Connections[app]
			if _, found := d.engine.connections.Get(name); !found {
				d.say("wait", run, fmt.Sprintf("it waits for %s, and there is no connection %q to send it", trigger, name),
					"add the connection, or: tidewire runs cancel "+run.ID)
			}
		}
	})
}

func (d *examination) isApp(name string) bool {
	for _, app := range d.engine.config.Apps {
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
func (d *examination) version(ctx context.Context, hash string) boundVersion {
	if hash == "" {
		return boundVersion{format: vm.ReplayFormat}
	}
	if known, found := d.versions[hash]; found {
		return known
	}
	kept, err := d.engine.store.Version(ctx, hash)
	if err == nil {
		_, err = d.engine.scripts.Revive(ctx, kept)
	}
	d.versions[hash] = boundVersion{kept.Format, err}
	return d.versions[hash]
}

// overdue finds runs whose timer should have come.
func (d *examination) overdue(ctx context.Context) error {
	for _, state := range []journal.State{journal.Waiting, journal.Retrying, journal.Throttled} {
		err := d.each(ctx, state, func(run journal.Run) {
			if p := run.Park; p != nil && !p.Until.IsZero() && d.now.Sub(p.Until) > longDue {
				d.say("overdue", run, "it should have gone on at "+p.Until.UTC().Format(time.RFC3339), "tidewire runs retry "+run.ID+", and report this as a fault")
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// polls finds lists that could not be looked at for long.
func (d *examination) polls(context.Context) error {
	for _, p := range d.engine.polls.Status() {
		if p.Failing.IsZero() || d.now.Sub(p.Failing) < longPoll {
			continue
		}
		d.found = append(d.found, control.Finding{
			Kind: "poll", Since: p.Failing.UTC().Format(time.RFC3339),
			Text: fmt.Sprintf("%s of %s cannot be looked at: %s", p.Poll, p.Connection, p.Problem),
			Do:   "mend what it says; it is tried again at " + p.Next.UTC().Format(time.RFC3339),
		})
	}
	return nil
}

func (d *examination) lanes(ctx context.Context) error {
	lanes, err := d.engine.store.Lanes(ctx)
	if err != nil {
		return err
	}
	for _, l := range lanes {
		if d.now.Sub(l.Since) < longLane || l.Behind == 0 {
			continue
		}
		d.found = append(d.found, control.Finding{
			Kind: "lane", Run: l.Run, Since: l.Since.UTC().Format(time.RFC3339),
			Text: fmt.Sprintf("it is %s, and in its lane of %s %s %s behind it", l.State, l.Script, l.Hook, runsWait(l.Behind)),
			Do:   "tidewire runs show " + l.Run,
		})
	}
	return nil
}

func runsWait(n int) string {
	if n == 1 {
		return "1 run waits"
	}
	return fmt.Sprintf("%d runs wait", n)
}
