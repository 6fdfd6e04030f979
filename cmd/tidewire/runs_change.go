package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// selection selects the runs of a command: those named as arguments, or all that
// match the filters.
type selection struct {
	folder folderFlags
	query  journal.RunQuery
	state  string
	since  time.Duration

	byReason bool // there is a flag --reason
}

func (s *selection) add(c *cobra.Command) {
	s.folder.addDir(c.Flags())
	c.Flags().StringVar(&s.query.Script, "script", "", "all runs of this script")
	c.Flags().StringVar(&s.query.Hook, "hook", "", "all runs of this hook")
	c.Flags().StringVar(&s.state, "state", "", "all runs in this state")
	c.Flags().DurationVar(&s.since, "since", 0, "all runs made within this time: 30m, 24h")
}

// prepare sets the query by the flags. It reports whether flags select runs, or
// arguments do.
func (s *selection) prepare(args []string) (filtered bool, err error) {
	s.query.State, s.query.Since = journal.State(s.state), ago(s.since)
	if !s.query.State.Valid() {
		return false, usageError{fmt.Errorf("--state: found %q, expected one of %s", s.state, stateNames())}
	}
	if !s.query.Reason.Valid() {
		return false, usageError{fmt.Errorf("--reason: found %q, expected one of %s", s.query.Reason, reasonNames())}
	}
	filtered = s.query.Script != "" || s.query.Hook != "" || s.query.State != "" || s.query.Reason != "" || !s.query.Since.IsZero()
	if filtered == (len(args) > 0) {
		return false, usageError{fmt.Errorf("name runs, or select them with %s; one of the two", s.flags())}
	}
	return filtered, nil
}

// flags lists the flags that select runs.
func (s *selection) flags() string {
	if s.byReason {
		return "--script, --hook, --state, --reason or --since"
	}
	return "--script, --hook, --state or --since"
}

// each calls do with every selected run and prints its result. It continues after
// an error, and returns an error at the end if there was one.
func (s *selection) each(ctx context.Context, t terminal, args []string, do func(context.Context, *control.Client, string) (string, error)) error {
	filtered, err := s.prepare(args)
	if err != nil {
		return err
	}
	return withEngine(ctx, s.folder.sources(t), func(client *control.Client) error {
		runs := args
		if filtered {
			found, err := s.all(ctx, client)
			if err != nil {
				return err
			}
			for _, r := range found {
				runs = append(runs, r.ID)
			}
			if len(runs) == 0 {
				fmt.Fprintln(t.out, "no runs")
			}
		}
		return eachRun(t, runs, func(run string) (string, error) { return do(ctx, client, run) })
	})
}

// eachRun is like selection.each, with the runs given.
func eachRun(t terminal, runs []string, do func(run string) (string, error)) error {
	refused := 0
	for _, run := range runs {
		result, err := do(run)
		if err != nil {
			refused++
			printf(t.err, "%s  %s\n", run, refusal(run, err))
			continue
		}
		printf(t.out, "%s  %s\n", run, result)
	}
	if refused > 0 {
		return fmt.Errorf("%d of the runs could not be changed", refused)
	}
	return nil
}

// refusal returns the text of an error about a run, without the run's name, which
// is printed before it.
func refusal(run string, err error) string {
	if errors.Is(err, journal.ErrNotFound) {
		return "there is no such run; see: tidewire runs list"
	}
	text := err.Error()
	for _, prefix := range []string{fmt.Sprintf("run %q: ", run), journal.ErrState.Error() + ": "} {
		if _, rest, found := strings.Cut(text, prefix); found {
			text = rest
		}
	}
	return text
}

// all lists the selected runs, oldest first. It lists them before any of them is
// changed, since a change may make a filter no longer match.
func (s *selection) all(ctx context.Context, client *control.Client) ([]journal.Run, error) {
	var all []journal.Run
	q := s.query
	for q.Limit = 500; ; {
		runs, err := client.Runs(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, r := range runs {
			all = append(all, r)
			q.Before = r.Seq
		}
		if len(runs) < q.Limit {
			break
		}
	}
	slices.Reverse(all)
	return all, nil
}

func runsRetry(t terminal) *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "retry [RUN…]",
		Short: "Let failed or cancelled runs go on from their last good step, and parked ones now",
		RunE: func(c *cobra.Command, args []string) error {
			return s.each(c.Context(), t, args, func(ctx context.Context, client *control.Client, run string) (string, error) {
				return "queued", client.Retry(ctx, run)
			})
		},
	}
	s.add(c)
	return c
}

func runsReplay(t terminal) *cobra.Command {
	var s selection
	fromStep := 1
	c := &cobra.Command{
		Use:   "replay [RUN…]",
		Short: "Make new runs of the same events on the present version",
		RunE: func(c *cobra.Command, args []string) error {
			if fromStep < 1 {
				return usageError{fmt.Errorf("--from-step: found %d, expected 1 or more", fromStep)}
			}
			return s.each(c.Context(), t, args, func(ctx context.Context, client *control.Client, run string) (string, error) {
				made, err := client.Replay(ctx, run, fromStep-1)
				return "replayed as " + made, err
			})
		},
	}
	s.add(c)
	c.Flags().IntVar(&fromStep, "from-step", 1, "copy the records of the steps before this one")
	return c
}

func runsMigrate(t terminal) *cobra.Command {
	var s selection
	c := &cobra.Command{
		Use:   "migrate [RUN…]",
		Short: "Move parked runs to the present version of their script",
		RunE: func(c *cobra.Command, args []string) error {
			return s.each(c.Context(), t, args, func(ctx context.Context, client *control.Client, run string) (string, error) {
				return "moved", client.Migrate(ctx, run)
			})
		},
	}
	s.add(c)
	return c
}
