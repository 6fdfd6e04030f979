package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

func runsShow(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON, follow bool
	c := &cobra.Command{
		Use:   "show RUN",
		Short: "Show a run, every step it made, and what it waits for",
		RunE: func(c *cobra.Command, args []string) error {
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				run, steps, err := readRun(c.Context(), r, args[0])
				if err != nil {
					return err
				}
				if err := printRunDetails(t.out, run, steps, asJSON); err != nil || !follow {
					return err
				}
				return followRun(c.Context(), t.out, r, run, steps, asJSON)
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&follow, "follow", false, "go on printing until the run is over")
	return c
}

func readRun(ctx context.Context, r journal.Reader, id string) (journal.Run, []journal.Step, error) {
	run, steps, err := r.Run(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		err = fmt.Errorf("there is no run %q; see tidewire runs list", id)
	}
	return run, steps, err
}

func printRunDetails(out io.Writer, run journal.Run, steps []journal.Step, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(out).Encode(control.RunDetails{Run: run, Steps: steps})
	}
	showRun(out, run)
	for _, s := range steps {
		showStep(out, s)
	}
	return nil
}

// followEvery is the interval at which a followed run is read.
const followEvery = 200 * time.Millisecond

// followRun prints what is new of a run until it is over or ctx is done.
func followRun(ctx context.Context, out io.Writer, r journal.Reader, run journal.Run, steps []journal.Step, asJSON bool) error {
	ticker := time.NewTicker(followEvery)
	defer ticker.Stop()
	for !run.State.Ended() {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		next, more, err := readRun(ctx, r, run.ID)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := printChanges(out, run, next, steps, more, asJSON); err != nil {
			return err
		}
		run, steps = next, more
	}
	return nil
}

// printChanges prints the steps that are new or have changed, and a new state.
func printChanges(out io.Writer, was, is journal.Run, old, steps []journal.Step, asJSON bool) error {
	changed := slices.DeleteFunc(slices.Clone(steps), func(s journal.Step) bool {
		i := slices.IndexFunc(old, func(o journal.Step) bool { return o.Number == s.Number })
		return i >= 0 && old[i].State == s.State && old[i].Started.Equal(s.Started)
	})
	if len(changed) == 0 && was.State == is.State {
		return nil
	}
	if asJSON {
		return json.NewEncoder(out).Encode(control.RunDetails{Run: is, Steps: changed})
	}
	for _, s := range changed {
		showStep(out, s)
	}
	if was.State != is.State {
		printf(out, "\n%s  %s%s\n", formatTime(time.Now()), stateOf(is), reason(is))
	}
	return nil
}

// maxValue bounds how much of a step's arguments and result is printed, in bytes.
const maxValue = 400

func showRun(out io.Writer, r journal.Run) {
	printf(out, "run         %s\nstate       %s\n", r.ID, stateOf(r))
	if r.Park != nil {
		printf(out, "since       %s\nwaits for   %s\n", formatTime(r.Park.Since), lines(indent(wakeCondition(r), 12)))
	}
	if r.Current != nil {
		showCurrent(out, *r.Current)
		r.Executed += max(time.Since(r.Current.Began), 0)
	}
	printf(out, "script      %s\nhook        %s\nversion     %s\nevent       %s\nconnection  %s\nlane        %s\ncreated     %s\nattempt     %s\nexecuted    %s\ntook        %s\n",
		r.Script, r.Hook, dash(r.Bound), r.Event, dash(r.Connection), dash(r.Lane), formatTime(r.Created), attempt(r), shortDuration(r.Executed), elapsed(r))
	for _, d := range r.Decisions {
		printf(out, "decided     %s of step %d by %s, %s\n", d.Resolution, d.Step, cmp.Or(d.By, "an unknown person"), formatTime(d.At))
	}
	if r.Problem != nil {
		printf(out, "error       %s\n", lines(indent(r.Problem.Text(), 12)))
	}
}

// showCurrent prints the step that a running run executes, and what its call
// waits for.
func showCurrent(out io.Writer, c journal.Current) {
	if c.Step == 0 {
		return
	}
	printf(out, "step        %d %s at %s, for %s\n", c.Step, c.Name, c.Position, shortDuration(max(time.Since(c.Started), 0)))
	if c.Waits != "" {
		until := ""
		if !c.Until.IsZero() {
			until = ", until " + formatTime(c.Until)
		}
		printf(out, "waits for   %s%s\n", c.Waits, until)
	}
}

// attempt returns the number of the attempt that the run is in, or that begins
// when a parked run goes on.
func attempt(r journal.Run) string {
	switch {
	case r.Attempts == 0:
		return "-"
	case r.State == journal.Retrying, r.State == journal.Throttled, r.State == journal.Blocked:
		return fmt.Sprintf("%d, when it goes on", r.Attempts)
	}
	return fmt.Sprint(r.Attempts)
}

// reason returns the end of a line about a run: what a parked one waits for, or
// the error of one that failed.
func reason(r journal.Run) string {
	switch {
	case r.Park != nil:
		return ", waits for " + wakeCondition(r)
	case r.Problem != nil:
		return ": " + r.Problem.Text()
	}
	return ""
}

// wakeCondition returns what wakes a parked run.
func wakeCondition(r journal.Run) string {
	until := ""
	if !r.Park.Until.IsZero() {
		until = formatTime(r.Park.Until)
	}
	switch a := r.Park.Await; {
	case r.State == journal.Paused:
		return pauseCondition(r)
	case r.State == journal.Held && until != "":
		return orUntil("a decision: tidewire runs decide "+r.ID+" retry|skip|fail", until+", when it is looked up whether the call was done")
	case r.State == journal.Held:
		return "a decision: tidewire runs decide " + r.ID + " retry|skip|fail"
	case r.State == journal.Blocked:
		return "a person to fix what blocks it; then tidewire runs retry or migrate " + r.ID
	case r.State == journal.Throttled && until == "":
		return "the app to answer again; tidewire doctor has when it is tried"
	case a != nil && a.Approval != "":
		return orUntil("the decision of approval "+a.Approval, until)
	case a != nil:
		what := strings.Join(a.Triggers, " or ")
		for _, path := range slices.Sorted(maps.Keys(a.Where)) {
			what += fmt.Sprintf("\n  with %s = %s", path, strings.Join(a.Where[path], " or "))
		}
		return orUntil(what, until)
	}
	return until
}

// pauseCondition returns what ends the pause of a run, and what follows then.
func pauseCondition(r journal.Run) string {
	what := "a person: tidewire runs release " + r.ID + ", or tidewire runs cancel " + r.ID
	if r.Reason == journal.Flooded {
		what = "a person: tidewire events release, or tidewire events drop; or for this run alone, runs release, or runs cancel"
	}
	if r.Park.Then != "" {
		what += "; released, it is " + string(r.Park.Then) + " as before"
	}
	return what
}

func orUntil(what, until string) string {
	if until == "" {
		return what
	}
	return what + "\nor          " + until
}

func showStep(out io.Writer, s journal.Step) {
	printf(out, "\n%3d  %s  %s  %s  %s\n", s.Number, s.Name, s.State, shortDuration(s.Duration), s.Position)
	if len(s.Args) > 0 {
		printf(out, "     args    %s\n", truncate(string(s.Args), maxValue))
	}
	if l := s.Lookup(); l != nil {
		showLookup(out, *l)
	} else if len(s.Result) > 0 {
		printf(out, "     result  %s\n", truncate(string(s.Result), maxValue))
	}
	if s.Error != nil {
		printf(out, "     error   %s\n", lines(indent(s.Error.Error(), 13)))
	}
	if s.Sendings > 1 {
		printf(out, "     sent    %d times\n", s.Sendings)
	}
	if s.Waited > 0 {
		fmt.Fprintf(out, "     waited  %s for a rate limit\n", shortDuration(s.Waited))
	}
}

// showLookup prints what was found out about a call whose result is not known.
func showLookup(out io.Writer, l journal.Lookup) {
	if !l.Absent.IsZero() {
		printf(out, "     look-up no record at %s\n", formatTime(l.Absent))
	}
	switch {
	case l.Failures == 1:
		fmt.Fprintln(out, "     look-up failed once")
	case l.Failures > 1:
		printf(out, "     look-up failed %d times\n", l.Failures)
	}
	for i, c := range l.Candidates {
		printf(out, "     candidate %d  %s\n", i+1, truncate(string(c), maxValue))
	}
}
