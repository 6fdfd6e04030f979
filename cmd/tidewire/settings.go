package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidewire/tidewire/engine/config"
)

// defaultListen is the address for webhooks that an engine has by default.
const defaultListen = config.DefaultListen

// settingFlag adds the flag of a setting, which the shell completes by its
// kind.
func settingFlag(flags *pflag.FlagSet, s config.Setting, into any) {
	name := strings.TrimPrefix(s.Flag, "--")
	switch into := into.(type) {
	case *string:
		usage := s.Help
		if s.Default != "" {
			usage += " (default " + s.Default + ")"
		}
		flags.StringVar(into, name, "", usage)
	case *bool:
		flags.BoolVar(into, name, false, s.Help)
	}
	if s.Kind == config.Folder {
		flags.SetAnnotation(name, cobra.BashCompSubdirsInDir, nil) // fails only for a flag that is not there
	}
}

func settingsCommand(t terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "settings",
		Short: "List the settings of " + config.FileName,
		Long: `List the settings of tidewire.yaml: what each holds, its default, the variable or the flag
that sets it too, and when a change takes effect.`,
		RunE: func(*cobra.Command, []string) error { return config.Print(t.out) },
	}
}
