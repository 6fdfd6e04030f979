package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

func eventsCommand(t terminal) *cobra.Command {
	c := &cobra.Command{
		Use:   "events",
		Short: "Print, release and drop stored events",
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(eventsList(t), eventsShow(t))
	c.AddCommand(eventsFlood(t)...)
	return c
}

func eventsList(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var q journal.EventQuery
	var since time.Duration
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List events, newest first",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := limit(c, q.Limit); err != nil {
				return err
			}
			q.Since = ago(since)
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				events, err := r.Events(c.Context(), q)
				if err != nil || asJSON {
					return jsonLines(t.out, events, err)
				}
				if len(events) == 0 {
					fmt.Fprintln(t.out, "no events")
					return nil
				}
				return table(t.out, "ID\tTYPE\tCONNECTION\tSOURCE\tRECEIVED", events, func(w io.Writer, e journal.Event) {
					printf(w, "%s\t%s\t%s\t%s\t%s\n", e.ID, e.Type, dash(e.Connection), e.Source, formatTime(e.Received))
				})
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().StringVar(&q.Type, "type", "", "only events of this trigger")
	c.Flags().DurationVar(&since, "since", 0, "only events received within this time: 30m, 24h")
	c.Flags().IntVar(&q.Limit, "limit", 50, "how many at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func eventsShow(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "show EVENT",
		Short: "Show an event with its data and the runs it started",
		RunE: func(c *cobra.Command, args []string) error {
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				event, runs, err := r.Event(c.Context(), args[0])
				if errors.Is(err, journal.ErrNotFound) {
					return fmt.Errorf("there is no event %q; see tidewire events list", args[0])
				}
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(t.out).Encode(control.EventDetails{Event: event, Runs: runs})
				}
				return showEvent(t.out, event, runs)
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func showEvent(out io.Writer, e journal.Event, runs []journal.Run) error {
	data, err := indented(e.Data)
	if err != nil {
		return err
	}
	printf(out, "event       %s\ntype        %s\nconnection  %s\naccount     %s\nsource      %s\nhappened    %s\nreceived    %s\ndata        %s\n\n",
		e.ID, e.Type, dash(e.Connection), dash(e.Account), e.Source, formatTime(e.Time), formatTime(e.Received), lines(data))
	if len(runs) == 0 {
		fmt.Fprintln(out, "no runs")
		return nil
	}
	return runTable(out, runs)
}

// table prints items in columns under a header.
func table[T any](out io.Writer, header string, items []T, row func(io.Writer, T)) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for _, item := range items {
		row(w, item)
	}
	return w.Flush()
}

// jsonLines prints one JSON object per line, or returns err if it is not nil.
func jsonLines[T any](out io.Writer, items []T, err error) error {
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(out)
	for _, item := range items {
		if err := encoder.Encode(item); err != nil {
			return err
		}
	}
	return nil
}

func indented(raw json.RawMessage) (string, error) {
	if len(raw) == 0 {
		return "-", nil
	}
	text, err := json.MarshalIndent(raw, "            ", "  ")
	return string(text), err
}

// ago returns the time d before now, zero if d is not positive.
func ago(d time.Duration) time.Time {
	if d <= 0 {
		return time.Time{}
	}
	return time.Now().Add(-d)
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05.000")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
