package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/engine/backup"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/control"
)

func backupCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	var options control.BackupOptions
	c := &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the data folder to one file, also while the engine runs",
		Long: `Write what is in the data folder to one file, with checksums: the journal, the files that
its runs use, the vault, its key if that is in the folder, and the key of approval
links. Only you can read the file. It works while the engine runs, and when none does.

Who has the file has all of that, and with the key the tokens of your connections.
--without-key leaves the key out; store a copy of it elsewhere then, as a restore needs it.

  tidewire restore FILE   puts it back`,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if args[0] == "-" {
				return usageError{errors.New("a backup is written to a file, and complete when that has its name; found -, expected the name of a file")}
			}
			if options.File, err = filepath.Abs(args[0]); err != nil {
				return fmt.Errorf("find %q: %w", args[0], err)
			}
			made, err := backUp(c.Context(), folder.sources(t), options)
			if err != nil {
				return err
			}
			printBackup(t.out, options.File, made)
			return nil
		},
	}
	folder.addDir(c.Flags())
	c.Flags().BoolVar(&options.WithoutKey, "without-key", false, "leave out the vault's key")
	return c
}

// backUp has the running engine write a backup; if there is none, it writes the backup
// itself.
func backUp(ctx context.Context, from config.Sources, options control.BackupOptions) (control.Backup, error) {
	data, err := changedFolder(from)
	if err != nil {
		return control.Backup{}, err
	}
	client, err := control.Dial(data)
	if err != nil {
		return control.Backup{}, err
	}
	defer client.Close()
	if _, err := client.Status(ctx); control.NotRunning(err) {
		return backup.WriteStopped(ctx, data, version(), options)
	} else if err != nil {
		return control.Backup{}, err
	}
	return client.Backup(ctx, options)
}

// keyAdvice is what a person needs for an archive, by where the vault's key is.
var keyAdvice = map[backup.Key]string{
	backup.KeyIncluded: "the vault's key is in it: who has the file can use your connections",
	backup.KeyLeftOut: "the vault's key is not in it. A restore needs it: store a copy of vault/key elsewhere, and put it into the restored data folder as vault/key " +
		"(mode 0600), or set vault_key; without it each connection is to be connected again (tidewire vault rotate --lost)",
	backup.KeyElsewhere: "the vault's key is not in it, as it is in the configuration or in the keyring of the machine. A restore needs it: " +
		"set vault_key on another machine",
}

func printBackup(out io.Writer, file string, made control.Backup) {
	printf(out, "backed up to %s: %d files, %.1f MB before compression\n", file, made.Files, float64(made.Bytes)/1e6)
	printKeyAdvice(out, backup.Key(made.Key))
	for _, warning := range made.Warnings {
		printf(out, "warning: %s\n", warning)
	}
}

func printKeyAdvice(out io.Writer, key backup.Key) {
	if text := keyAdvice[key]; text != "" {
		printf(out, "%s\n", lines(text))
	}
}

func restoreCommand(t terminal) *cobra.Command {
	folder := &folderFlags{}
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Put what tidewire backup has written in place of the data folder",
		Long: `Put what tidewire backup has written in place of the data folder. No engine may run on it.
The file is checked before anything is changed, and the present folder is moved aside.

All runs that have not ended are paused then, and so are the runs of events that
happened before the restore: their work may have been done since the backup. Look at
the vendors' side, then release or cancel them.

Run it as the user of the engine: the restored files are those of the user who runs it.`,
		RunE: func(c *cobra.Command, args []string) error {
			data, err := changedFolder(folder.sources(t))
			if err != nil {
				return err
			}
			done, err := backup.Restore(c.Context(), args[0], data, clock.System)
			if err != nil {
				return err
			}
			printRestored(t.out, data, done)
			return nil
		},
	}
	folder.addDir(c.Flags())
	return c
}

func printRestored(out io.Writer, data string, done backup.Restored) {
	m := done.Manifest
	printf(out, "restored %s as it was %s: %d files, made by Tidewire %s\n", data, m.Created.Format(time.RFC3339), len(m.Entries), dash(m.Tidewire))
	if done.Aside != "" {
		printf(out, "the folder from before is in %s; remove it when you no longer need it\n", done.Aside)
	}
	if m.Key == backup.KeyLeftOut || m.Key == backup.KeyElsewhere {
		printKeyAdvice(out, m.Key)
	}
	paused := "no run is paused, as none was live; but"
	switch n := done.Paused; {
	case n == 1:
		paused = "1 run is paused, as its work may have been done since the backup; so"
	case n > 1:
		paused = fmt.Sprintf("%d runs are paused, as their work may have been done since the backup; so", n)
	}
	printf(out, `%s will be the runs of events that happened
before now. Start the engine, look at the vendors' side, and decide:
  tidewire runs list --reason restored
  tidewire runs release RUN      or all: --reason restored, which lists them first
  tidewire runs cancel RUN       or all: --reason restored
`, paused)
}
