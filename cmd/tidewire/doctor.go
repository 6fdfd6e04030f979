package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/control"
)

func doctorCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems that need a person, and print what to do",
		Long: `Find problems that need a person, and print what to do. If no engine runs, or it does
not answer, the configuration and the data folder are examined without it, and
nothing is changed there.`,
		RunE: func(c *cobra.Command, _ []string) error {
			found, err := diagnose(c.Context(), folder.sources(t), folder.dir)
			if err != nil || asJSON {
				return jsonLines(t.out, found, err)
			}
			if len(found) == 0 {
				fmt.Fprintln(t.out, "nothing needs a person")
				return nil
			}
			return table(t.out, "KIND\tRUN\tSINCE\tWHAT\tWHAT TO DO", found, func(w io.Writer, f control.Finding) {
				printf(w, "%s\t%s\t%s\t%s\t%s\n", f.Kind, dash(f.Run), dash(f.Since), oneLine(f.Text), f.Do)
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

// maxAnswer is how long the engine may take to answer before it counts as hanging.
const maxAnswer = 5 * time.Second

// diagnose returns the findings of the running engine; if none answers, those about
// the folder.
func diagnose(ctx context.Context, from config.Sources, dir string) ([]control.Finding, error) {
	if data, err := config.DataFolder(from); err == nil {
		client, err := control.Dial(data)
		if err != nil {
			return nil, err
		}
		defer client.Close()
		bound, cancel := context.WithTimeout(ctx, maxAnswer)
		defer cancel()
		if _, err := client.Status(bound); err == nil {
			return client.Doctor(ctx)
		}
	}
	apps, err := appsOf(dir)
	var found []control.Finding
	if err != nil {
		apps = all.Apps()
		found = append(found, control.Finding{Kind: "configuration", Text: err.Error(), Do: "fix the file of the app: the engine does not start"})
	}
	return append(found, engine.Diagnose(ctx, from, apps)...), nil
}

// oneLine returns a text of several lines as one.
func oneLine(text string) string { return strings.ReplaceAll(strings.TrimSpace(text), "\n", " | ") }
