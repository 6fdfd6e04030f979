package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// decideFlags are what runs decide is to do.
type decideFlags struct {
	selection
	app, operation string
	file           string
	candidate      int // 0: none
	empty, yes     bool
}

func runsDecide(t terminal) *cobra.Command {
	d := &decideFlags{}
	c := &cobra.Command{
		Use:   "decide [RUN…] retry|skip|fail",
		Short: "Decide about held runs: were their calls done?",
		Long: `A held run sent a request that may or may not have been done. Look at the vendor's
side, then decide: retry sends it again, fail ends the run, and skip takes it as done,
with the answer that the script is to get (--result FILE, or --empty).
If a look-up found records that may be the call's, tidewire runs show RUN lists them as
candidates; skip --candidate N takes one of them for the answer.

One run is decided at once. Several runs, or those that flags select, are listed, and
decided with --yes. Who decided is shown by: tidewire runs show RUN`,
		Example: `  tidewire runs decide run_1x retry
  tidewire runs decide run_1x skip --empty                   # it was done; the script needs no answer
  tidewire runs decide run_1x skip --candidate 1
  tidewire runs decide --app slack --since 2h retry          # lists the runs
  tidewire runs decide --app slack --since 2h retry --yes`,
		RunE: func(c *cobra.Command, args []string) error {
			last := len(args) - 1
			if c.Flags().Changed("candidate") && (d.candidate < 1 || last != 1) {
				return usageError{fmt.Errorf("--candidate: expected one run and a number from 1, found %d runs and %d", last, d.candidate)}
			}
			decision, err := d.decision(t, journal.Resolution(args[last]))
			if err != nil {
				return err
			}
			return d.decide(c.Context(), t, args[:last], decision)
		},
	}
	d.add(c)
	c.Flags().StringVar(&d.app, "app", "", "all held runs whose call is one of this app")
	c.Flags().StringVar(&d.operation, "operation", "", "all held runs whose call is this one: chat.post_message, http.post")
	c.Flags().StringVar(&d.file, "result", "", "with skip: file with the answer as JSON, - for standard input")
	c.Flags().BoolVar(&d.empty, "empty", false, "with skip: the answer was empty")
	c.Flags().IntVar(&d.candidate, "candidate", 0, "with skip: the number of the record that the call made")
	c.Flags().BoolVar(&d.yes, "yes", false, "decide about all runs that would be listed")
	return c
}

// decision returns the decision that the flags describe.
func (d *decideFlags) decision(t terminal, r journal.Resolution) (journal.CallDecision, error) {
	decision := journal.CallDecision{Resolution: r, By: userName()}
	if r != journal.Skip {
		if d.file != "" || d.empty || d.candidate > 0 {
			return decision, usageError{fmt.Errorf("--result, --candidate and --empty go with skip, found %s", r)}
		}
		return decision, nil
	}
	sources := 0
	for _, has := range []bool{d.file != "", d.candidate > 0, d.empty} {
		if has {
			sources++
		}
	}
	if sources != 1 {
		return decision, usageError{errors.New("skip needs the answer that the script is to get: --result FILE, --candidate N or --empty")}
	}
	if d.file == "" {
		return decision, nil // that of a candidate is read with the run
	}
	var err error
	decision.Result, err = readResult(t, d.file)
	return decision, err
}

// decide decides about runs, or lists them.
func (d *decideFlags) decide(ctx context.Context, t terminal, names []string, decision journal.CallDecision) error {
	filtered := d.app != "" || d.operation != "" || d.query.Script != "" || d.query.Hook != "" || d.state != "" || d.since != 0
	switch {
	case filtered == (len(names) > 0):
		return usageError{errors.New("name runs, or select them with --app, --operation, --script, --hook, --state or --since; one of the two")}
	case d.state != "" && d.state != string(journal.Held):
		return usageError{fmt.Errorf("--state: found %q, expected held: only the call of a held run is to be decided", d.state)}
	}
	return withEngine(ctx, d.folder.sources(t), func(client *control.Client) error {
		if d.candidate > 0 {
			var err error
			if decision.Result, err = candidate(ctx, client, names[0], d.candidate); err != nil {
				return err
			}
		}
		one := func(run string) (string, error) {
			return "decided: " + string(decision.Resolution), client.DecideCall(ctx, run, decision)
		}
		if len(names) == 1 {
			if _, err := one(names[0]); err != nil {
				return fmt.Errorf("%s  %s", names[0], refusal(names[0], err))
			}
			printf(t.out, "%s  decided: %s\n", names[0], decision.Resolution)
			return nil
		}
		runs, pending, err := d.runs(ctx, client, names)
		if err != nil {
			return err
		}
		err = d.decideAll(t, runs, decision.Resolution, one)
		if pending > 0 {
			fmt.Fprintf(t.out, "not among them: %d whose call is being looked up; name a run to decide about it before\n", pending)
		}
		return err
	})
}

// checkAppName returns an error with the nearest name if there is no such app.
func checkAppName(dir, name string) error {
	apps, err := appsOf(dir)
	if err != nil {
		return nil // it does not matter here
	}
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	if slices.Contains(names, name) {
		return nil
	}
	if near := bindings.Nearest(name, names); near != "" {
		return usageError{fmt.Errorf("--app: there is no app %q; did you mean %s?", name, near)}
	}
	return usageError{fmt.Errorf("--app: there is no app %q; there are %s", name, strings.Join(names, ", "))}
}

// decideAll decides about several runs, or lists them without --yes.
func (d *decideFlags) decideAll(t terminal, runs []journal.Run, r journal.Resolution, one func(run string) (string, error)) error {
	switch {
	case len(runs) == 0:
		fmt.Fprintln(t.out, "no held runs")
		return nil
	case !d.yes:
		return listUndecided(t.out, runs, r)
	}
	ids := make([]string, len(runs))
	for i, run := range runs {
		ids[i] = run.ID
	}
	return eachRun(t, ids, one)
}

// candidate returns the answer that is made from one of the records that a look-up
// found. Numbers begin at 1.
func candidate(ctx context.Context, client *control.Client, run string, number int) (json.RawMessage, error) {
	_, steps, err := client.Run(ctx, run)
	if err != nil {
		return nil, fmt.Errorf("%s  %s", run, refusal(run, err))
	}
	var found []json.RawMessage
	if len(steps) > 0 {
		if l := steps[len(steps)-1].Lookup(); l != nil {
			found = l.Candidates
		}
	}
	if number > len(found) {
		return nil, fmt.Errorf("%s  --candidate %d: it has %d candidates; see tidewire runs show %s", run, number, len(found), run)
	}
	return found[number-1], nil
}

// runs returns the runs that are named, or the held ones that match the filters. Those
// whose call is being looked up are not among the latter, but counted.
func (d *decideFlags) runs(ctx context.Context, client *control.Client, names []string) (runs []journal.Run, pending int, err error) {
	for _, name := range names {
		run, _, err := client.Run(ctx, name)
		switch {
		case err != nil:
			return nil, 0, fmt.Errorf("%s  %s", name, refusal(name, err))
		case run.State != journal.Held:
			return nil, 0, fmt.Errorf("%s  it is %s, and would have to be held; nothing was changed", name, run.State)
		}
		runs = append(runs, run)
	}
	if len(names) > 0 {
		return runs, 0, nil
	}
	d.query.State, d.query.Since = journal.Held, ago(d.since)
	all, err := d.all(ctx, client)
	for _, r := range all {
		app, operation := callOf(r)
		switch {
		case d.app != "" && d.app != app, d.operation != "" && d.operation != operation && d.operation != app+"."+operation:
		case r.State != journal.Held || !r.Park.Until.IsZero(): // a read began since the runs were selected
			pending++
		default:
			runs = append(runs, r)
		}
	}
	if err == nil && len(runs)+pending == 0 && d.app != "" {
		err = checkAppName(d.folder.dir, d.app)
	}
	return runs, pending, err
}

// callOf returns the app and the operation of the call that a held run waits for.
// The app of the http library is empty.
func callOf(r journal.Run) (app, operation string) {
	if r.Problem == nil || r.Problem.App == nil {
		return "", ""
	}
	return r.Problem.App.App, r.Problem.App.Operation
}

// resolutionEffect is what a decision does with each of several runs.
var resolutionEffect = map[journal.Resolution]string{
	journal.Resend: "retry sends each call again",
	journal.Skip:   "skip takes each call as done, with the same answer",
	journal.Fail:   "fail ends each run",
}

// listUndecided prints the runs that would be decided.
func listUndecided(out io.Writer, runs []journal.Run, r journal.Resolution) error {
	err := table(out, "RUN\tSCRIPT\tCALL\tCONNECTION\tSINCE\tEVENT", runs, func(w io.Writer, run journal.Run) {
		app, operation := callOf(run)
		connection := ""
		if run.Problem != nil && run.Problem.App != nil {
			connection = run.Problem.App.Connection
		}
		printf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", run.ID, run.Script, dash(strings.Trim(app+"."+operation, ".")), dash(connection), formatTime(run.Park.Since), run.Event)
	})
	printf(out, "\n%d held: %s. Nothing was changed; to do it, add --yes.\n", len(runs), resolutionEffect[r])
	return err
}

// userName is the name of the person who uses the command, as the system has it.
func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return os.Getenv("USER")
}

// readResult reads the answer that a script is to get.
func readResult(t terminal, name string) (json.RawMessage, error) {
	read := func() ([]byte, error) { return os.ReadFile(name) }
	if name == "-" {
		name, read = "standard input", func() ([]byte, error) { return io.ReadAll(t.in) }
	}
	body, err := read()
	if err != nil {
		return nil, fmt.Errorf("--result: %w", err)
	}
	if !json.Valid(body) {
		return nil, fmt.Errorf("--result: %s is not JSON", name)
	}
	return body, nil
}
