package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

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
