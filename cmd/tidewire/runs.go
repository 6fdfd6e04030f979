package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/journal"
)

func runsCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "runs",
		Short: "Look at runs and what they did",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(runsList(t), runsShow(t), runsDecide(t), runsRetry(t), runsReplay(t), runsRelease(t), runsCancel(t), runsMigrate(t))
	return c
}

func runsList(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var q journal.RunQuery
	var state, reason string
	var since time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List runs, newest first",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := limit(c, q.Limit); err != nil {
				return err
			}
			q.State, q.Reason, q.Since = journal.State(state), journal.PauseReason(reason), ago(since)
			switch {
			case !q.State.Valid():
				return wrongUse(c, "--state: found %q, expected one of %s", state, stateNames())
			case !q.Reason.Valid():
				return wrongUse(c, "--reason: found %q, expected one of %s", reason, reasonNames())
			}
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				runs, err := r.Runs(c.Context(), q)
				if err != nil || asJSON {
					return jsonLines(t.out, runs, err)
				}
				if len(runs) == 0 {
					fmt.Fprintln(t.out, "no runs")
					return nil
				}
				return runTable(t.out, runs)
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().StringVar(&q.Script, "script", "", "only runs of this script")
	c.Flags().StringVar(&q.Hook, "hook", "", "only runs of this hook")
	c.Flags().StringVar(&q.Event, "event", "", "only runs of this event")
	c.Flags().StringVar(&state, "state", "", "only runs in this state: "+stateNames())
	c.Flags().StringVar(&reason, "reason", "", "only runs that are paused for this reason: "+reasonNames())
	c.Flags().DurationVar(&since, "since", 0, "only runs made within this time: 30m, 24h")
	c.Flags().IntVar(&q.Limit, "limit", 50, "how many at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func stateNames() string {
	names := make([]string, 0, len(journal.States()))
	for _, state := range journal.States() {
		names = append(names, string(state))
	}
	return strings.Join(names, ", ")
}

func reasonNames() string {
	names := make([]string, 0, len(journal.PauseReasons()))
	for _, reason := range journal.PauseReasons() {
		names = append(names, string(reason))
	}
	return strings.Join(names, ", ")
}

// stateOf returns the state of a run, and why it is paused.
func stateOf(r journal.Run) string {
	if r.Reason != "" {
		return fmt.Sprintf("%s (%s)", r.State, r.Reason)
	}
	return string(r.State)
}

func runTable(out io.Writer, runs []journal.Run) error {
	return table(out, "RUN\tSTATE\tSCRIPT\tHOOK\tSTEPS\tCREATED\tTOOK\tERROR", runs, func(w io.Writer, r journal.Run) {
		problem := ""
		if r.Problem != nil {
			problem, _, _ = strings.Cut(r.Problem.Text(), "\n") // the signature that follows is for runs show
			problem = truncate(problem, 80)
		}
		printf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", r.ID, stateOf(r), r.Script, r.Hook, r.Steps, formatTime(r.Created), elapsed(r), problem)
	})
}

// elapsed is the time since a run started, until it ended.
func elapsed(r journal.Run) string {
	switch {
	case r.Started.IsZero():
		return "-"
	case r.Finished.IsZero():
		return shortDuration(max(time.Since(r.Started), 0))
	}
	return shortDuration(r.Finished.Sub(r.Started))
}

// indent indents all lines but the first.
func indent(text string, columns int) string {
	return strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", columns))
}

// truncate shortens a text to at most n bytes, at the start of a rune.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
