package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// eventsFlood returns the commands that list floods and decide about them.
func eventsFlood(t terminal) []*cobra.Command {
	decide := func(use, short, done string, drop bool) *cobra.Command {
		folder := &folderFlags{}
		c := &cobra.Command{
			Use:   use + " [TRIGGER]",
			Short: short,
			Long: short + `, those of one trigger or of all. When
more events of a trigger come in a minute than flood allows (1000 unless tidewire.yaml sets
another number), for instance after an import, the runs of those beyond are paused until somebody decides.`,
			RunE: func(c *cobra.Command, args []string) error {
				return withEngine(c.Context(), folder.sources(t), func(client *control.Client) error {
					trigger := ""
					if len(args) > 0 {
						trigger = args[0]
					}
					n, err := client.ReleaseFlood(c.Context(), trigger, drop)
					if err != nil {
						return err
					}
					if n == 0 {
						fmt.Fprintln(t.out, "no runs are paused")
						return nil
					}
					printf(t.out, "%d runs %s\n", n, done)
					return nil
				})
			},
		}
		folder.addDir(c.Flags())
		return c
	}
	return []*cobra.Command{
		eventsFloods(t),
		decide("release", "Let the paused runs of a flood of events go on", "go on", false),
		decide("drop", "Cancel the paused runs of a flood of events", "are cancelled", true),
	}
}

func eventsFloods(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "floods",
		Short: "List the triggers whose runs are paused because too many events came",
		RunE: func(c *cobra.Command, _ []string) error {
			return withReader(c.Context(), folder.sources(t), func(r journal.Reader) error {
				floods, err := r.Floods(c.Context())
				if err != nil || asJSON {
					return jsonLines(t.out, floods, err)
				}
				if len(floods) == 0 {
					fmt.Fprintln(t.out, "no floods")
					return nil
				}
				return table(t.out, "TRIGGER\tPAUSED RUNS\tSINCE", floods, func(w io.Writer, f journal.Flood) {
					printf(w, "%s\t%d\t%s\n", f.Trigger, f.Runs, formatTime(f.Since))
				})
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}
