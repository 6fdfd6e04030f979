package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

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
with --quick less than one. The folder must be on the disk to be measured: on a
file system in memory, nothing waits for a disk.`,
		RunE: func(c *cobra.Command, _ []string) error {
			config.Progress = func(what string) { printf(t.err, "measuring %s …\n", what) }
			report, err := measure(c.Context(), config, logs)
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

// measure measures an engine that logs as for tidewire run, to a temporary file.
func measure(ctx context.Context, config bench.Config, logs *logFlags) (report bench.Report, err error) {
	file, err := os.CreateTemp(config.Dir, "tidewire-bench-*.log")
	if err != nil {
		return report, fmt.Errorf("make a file for the log: %w", err)
	}
	writer := newAsyncWriter(file)
	defer func() {
		writer.close()
		err = errors.Join(err, file.Close(), os.Remove(file.Name()))
	}()
	if config.Log, err = logs.logger(writer); err != nil {
		return report, err
	}
	return bench.Run(ctx, config)
}
