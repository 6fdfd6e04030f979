package main

import (
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/control"
)

func doctorCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find problems that need a person, and print what to do",
		RunE: func(c *cobra.Command, _ []string) error {
			return withEngine(c.Context(), folder.sources(t), func(client *control.Client) error {
				found, err := client.Doctor(c.Context())
				if err != nil || asJSON {
					return jsonLines(t.out, found, err)
				}
				if len(found) == 0 {
					fmt.Fprintln(t.out, "nothing needs a person")
					return nil
				}
				return table(t.out, "KIND\tRUN\tSINCE\tWHAT\tWHAT TO DO", found, func(w io.Writer, f control.Finding) {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", f.Kind, dash(f.Run), dash(f.Since), f.Text, f.Do)
				})
			})
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func backupCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the running engine's journal to a file, whole and consistent",
		RunE: func(c *cobra.Command, args []string) error {
			file, err := filepath.Abs(args[0])
			if err != nil {
				return fmt.Errorf("find %q: %w", args[0], err)
			}
			return withEngine(c.Context(), folder.sources(t), func(client *control.Client) error {
				if err := client.Backup(c.Context(), file); err != nil {
					return err
				}
				fmt.Fprintf(t.out, "copied to %s\n", file)
				return nil
			})
		},
	}
	folder.addDir(c.Flags())
	return c
}
