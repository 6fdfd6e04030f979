package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

func statusCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show what the running engine has live and what came in",
		Long: `Show the scripts that are live, the health of the journal, the webhooks that came
in, and the lists that are polled. Of the results of webhooks, unmatched means that no
hook is for the event: it was acknowledged, and not stored.`,
		RunE: func(c *cobra.Command, _ []string) error {
			data, err := config.DataFolder(folder.sources(t))
			if err != nil {
				return err
			}
			return withEngineOf(c.Context(), data, func(client *control.Client) error {
				status, err := client.Status(c.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(t.out).Encode(status)
				}
				return showStatus(t.out, status)
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func showStatus(out io.Writer, s control.Status) error {
	printf(out, "listens on  %s\nprocess     %d\nsince       %s\n", s.Listen, s.PID, formatTime(s.Started))
	showJournal(out, s.Journal)
	fmt.Fprintln(out)
	err := table(out, "SCRIPT\tVERSION\tHOOKS\tPROBLEM", s.Scripts, func(w io.Writer, one control.ScriptStatus) {
		printf(w, "%s\t%s\t%s\t%s\n", one.Name, dash(one.Version), dash(strings.Join(one.Hooks, ", ")), one.Problem)
	})
	if err == nil && len(s.Polls) > 0 {
		fmt.Fprintln(out)
		err = table(out, "CONNECTION\tPOLL\tFOR\tEVERY\tLOOKED\tNEXT\tFOUND\tPROBLEM", s.Polls, func(w io.Writer, one control.PollStatus) {
			looked := "-"
			if !one.Last.IsZero() {
				looked = formatTime(one.Last)
			}
			printf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", one.Connection, one.Poll, one.Purpose, one.Every, looked, formatTime(one.Next), one.Found, one.Problem)
		})
	}
	if err == nil && len(s.Circuits) > 0 {
		fmt.Fprintln(out)
		err = table(out, "NO CALLS TO\tFAILED\tSINCE\tNEXT TRY\tLAST FAILURE", s.Circuits, func(w io.Writer, one control.CircuitStatus) {
			where := strings.TrimSpace(one.App + " " + one.Host)
			if one.Lookups {
				where += " (look-ups)"
			}
			printf(w, "%s\t%d\t%s\t%s\t%s\n", where, one.Failures, formatTime(one.Since), formatTime(one.Next), one.Reason)
		})
	}
	if err != nil || len(s.Webhooks) == 0 {
		return err
	}
	fmt.Fprintln(out)
	return table(out, "WEBHOOKS\tRESULT\tCOUNT", s.Webhooks, func(w io.Writer, one control.Count) {
		printf(w, "%s\t%s\t%d\n", one.Where, one.Result, one.Count)
	})
}

// showJournal prints whether the journal can be written, and what waits in it.
func showJournal(out io.Writer, j control.JournalStatus) {
	state := "can be written"
	if j.Reason != "" {
		state = fmt.Sprintf("cannot be written: %s, since %s: %s", j.Reason, formatTime(j.Since), oneLine(j.Error))
	}
	printf(out, "journal     %s\n", state)
	if last := j.Last; last != nil {
		printf(out, "last outage %s, for %s, until %s\n", last.Reason, last.Until.Sub(last.Since).Round(time.Millisecond), formatTime(last.Until))
	}
	if j.Unread != "" {
		printf(out, "waiting     %s\n", oneLine(j.Unread))
		return
	}
	waiting := fmt.Sprintf("%d queued", j.Queued)
	if j.Queued > 0 {
		waiting += fmt.Sprintf(", the oldest for %s", time.Duration(j.Lag*float64(time.Second)).Round(time.Second))
	}
	printf(out, "waiting     %s, %d held\n", waiting, j.Undecided)
	for _, reason := range journal.PauseReasons() {
		if n := j.Paused[reason]; n > 0 {
			printf(out, "paused      %d (%s); see: tidewire doctor\n", n, reason)
		}
	}
}
