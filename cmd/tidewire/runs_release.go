package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// confirmedChange is a command that changes one run at once, and several runs only
// with --yes; without it they are listed.
type confirmedChange struct {
	selection
	reason string
	yes    bool

	effect string // what it does with the runs
	result string // what is printed of each run
	wants  func(journal.Run) bool
	change func(ctx context.Context, client *control.Client, run string) error
}

func (f *confirmedChange) add(c *cobra.Command) {
	f.byReason = true
	f.selection.add(c)
	c.Flags().StringVar(&f.reason, "reason", "", "all runs that are paused for this reason: "+reasonNames())
	c.Flags().BoolVar(&f.yes, "yes", false, "change all runs that would be listed")
}

func (f *confirmedChange) run(ctx context.Context, t terminal, args []string) error {
	f.query.Reason = journal.PauseReason(f.reason)
	filtered, err := f.prepare(args)
	if err != nil {
		return err
	}
	return withEngine(ctx, f.folder.sources(t), func(client *control.Client) error {
		ids := args
		if filtered || len(args) > 1 {
			runs, err := f.runs(ctx, client, args)
			switch {
			case err != nil:
				return err
			case len(runs) == 0:
				fmt.Fprintln(t.out, "no runs")
				return nil
			case !f.yes:
				err := runTable(t.out, runs)
				printf(t.out, "\n%d runs: %s. Nothing was changed; to do it, add --yes.\n", len(runs), f.effect)
				return err
			}
			ids = nil
			for _, r := range runs {
				ids = append(ids, r.ID)
			}
		}
		return eachRun(t, ids, func(run string) (string, error) { return f.result, f.change(ctx, client, run) })
	})
}

// runs returns the runs that are named, or those that the flags select.
func (f *confirmedChange) runs(ctx context.Context, client *control.Client, names []string) (runs []journal.Run, err error) {
	if len(names) == 0 {
		runs, err = f.all(ctx, client)
		return slices.DeleteFunc(runs, func(r journal.Run) bool { return !f.wants(r) }), err
	}
	for _, name := range names {
		run, _, err := client.Run(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s  %s", name, refusal(name, err))
		}
		runs = append(runs, run)
	}
	return runs, nil
}

func runsRelease(t terminal) *cobra.Command {
	f := &confirmedChange{
		effect: "release lets each go on: it is queued in its place, or waits as before", result: "released",
		wants:  func(r journal.Run) bool { return r.State == journal.Paused },
		change: func(ctx context.Context, client *control.Client, run string) error { return client.Unpause(ctx, run) },
	}
	c := &cobra.Command{
		Use:   "release [RUN…]",
		Short: "Let paused runs go on",
		Long: `Let paused runs go on, each as it was when it was paused: queued in its place, or waiting
for what it waited for; what happened meanwhile wakes it at once.

Runs are paused for one of these reasons:
  flood     more events of a trigger came in a minute than the setting flood allows
  restored  the data folder was restored from a backup: what the run does may have been
            done between the backup and that, and would be done again

One run is released at once. Several runs, or those that flags select, are listed, and
released with --yes.`,
		Example: `  tidewire runs release run_1x
  tidewire runs release --reason restored --script crm          # lists the runs
  tidewire runs release --reason restored --script crm --yes`,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), t, args) },
	}
	f.add(c)
	return c
}

func runsCancel(t terminal) *cobra.Command {
	f := &confirmedChange{
		effect: "cancel ends each", result: "cancelled",
		wants:  func(r journal.Run) bool { return !r.State.Ended() },
		change: func(ctx context.Context, client *control.Client, run string) error { return client.Cancel(ctx, run) },
	}
	c := &cobra.Command{
		Use:   "cancel [RUN…]",
		Short: "End runs that are not over",
		Long: `End runs that are not over. One run is ended at once. Several runs, or those that flags
select, are listed, and ended with --yes.`,
		RunE: func(c *cobra.Command, args []string) error { return f.run(c.Context(), t, args) },
	}
	f.add(c)
	return c
}
