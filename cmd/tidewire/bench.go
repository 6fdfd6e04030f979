package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/bench"
)

func benchCommand(t terminal, logs *logFlags) *cobra.Command {
	var config bench.Config
	var asJSON bool
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure what the engine does on this machine",
		Long: `Measure an engine on a temporary folder, with an app and senders of its own on
this machine: events accepted and whole runs per second, the time from a post to
the first call, what parked runs and a long history cost. It takes some minutes,
with --quick less than one. The folder must be on the disk that is meant: where
it lies in memory, nothing waits for a disk.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config.Log = func(w io.Writer) (*slog.Logger, error) { return logs.logger(w) }
			config.Progress = func(what string) { fmt.Fprintf(t.err, "measuring %s …\n", what) }
			report, err := bench.Run(c.Context(), config)
			if err != nil {
				return err
			}
			if asJSON {
				return json.NewEncoder(t.out).Encode(report)
			}
			return report.Table(t.out)
		},
	}
	c.Flags().BoolVar(&config.Quick, "quick", false, "measure with smaller counts, in less than 45 s")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().StringVar(&config.Dir, "dir", "", "folder to measure in (default: that for temporary files)")
	return c
}
