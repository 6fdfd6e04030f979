package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
)

// folderFlags are the flags that select an installation.
type folderFlags struct{ dir, file, data, listen, scripts string }

func (f *folderFlags) add(flags *pflag.FlagSet) {
	flags.StringVarP(&f.file, "config", "c", "", "configuration file (default "+config.FileName+" in the folder)")
	flags.SetAnnotation("config", cobra.BashCompFilenameExt, []string{"yaml", "yml"}) // fails only for a flag that is not there
	settingFlag(flags, config.Find("data"), &f.data)
}

// addDir adds the flags of a command for an existing installation.
func (f *folderFlags) addDir(flags *pflag.FlagSet) {
	f.add(flags)
	flags.StringVarP(&f.dir, "dir", "C", ".", "folder that tidewire run was given")
}

// sources returns what a configuration is read from. Flags that are empty are left
// out.
func (f *folderFlags) sources(t terminal) config.Sources {
	flags := map[string]string{}
	for name, value := range map[string]string{"data": f.data, "listen": f.listen, "scripts": f.scripts} {
		if value != "" {
			flags[name] = value
		}
	}
	return config.Sources{Dir: f.dir, File: f.file, Environ: t.environ, Flags: flags}
}

func runCommand(t terminal, logs *logFlags) *cobra.Command {
	folder := &folderFlags{dir: "."}
	c := &cobra.Command{
		Use:   "run [DIR]",
		Short: "Run the scripts of a folder",
		Long: `Run the scripts of DIR (default: this folder) until SIGINT or SIGTERM, which lets what
runs finish; a second one ends it at once, and the next start goes on from there.

Settings come from DIR/tidewire.yaml. Variables override them: TIDEWIRE_LISTEN is
listen; two underscores go one level down and three are a slash, so
TIDEWIRE_CONNECTIONS__HIGHLEVEL___PARIS__TOKEN is the token of highlevel/paris.
Flags override both.`,
		RunE: func(c *cobra.Command, args []string) error {
			log, err := logs.logger(t.err)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				folder.dir = args[0]
			}
			if err := checkFolder(folder.dir); err != nil {
				return err
			}
			apps, err := appsOf(folder.dir)
			if err != nil {
				return err
			}
			loaded, err := engine.LoadConfig(folder.sources(t), apps)
			if err != nil {
				return fmt.Errorf("the configuration cannot be used:\n%w", err)
			}
			if err := checkScripts(folder.dir, loaded.Scripts); err != nil {
				return err
			}
			loaded.Log, loaded.Version = log, version()
			e, err := engine.New(c.Context(), loaded)
			if err != nil {
				return err
			}
			return e.Run(c.Context())
		},
	}
	folder.add(c.Flags())
	settingFlag(c.Flags(), config.Find("listen"), &folder.listen)
	settingFlag(c.Flags(), config.Find("scripts"), &folder.scripts)
	return c
}

// checkFolder returns an error if a folder does not exist, which may be a mistyped
// name.
func checkFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder %s", dir)
	case err == nil && !info.IsDir():
		return fmt.Errorf("%s is a file; expected the folder that holds %s and the scripts folder", dir, config.FileName)
	}
	return err
}

// checkScripts returns an error with the first steps if there is no scripts
// folder.
func checkScripts(dir, scripts string) error {
	_, err := os.Stat(scripts)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	path, absErr := filepath.Abs(scripts)
	if absErr != nil {
		path = scripts
	}
	return fmt.Errorf(`there is nothing to run: no scripts folder at %s

To see Tidewire work with nothing to set up:   tidewire demo
To start here, save this as %s:

  every("1m", function(event)
    log.info("it is " .. event.time)
  end)

and then:                                      tidewire run %s`, path, filepath.Join(scripts, "hello.lua"), dir)
}
