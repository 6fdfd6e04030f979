// Command tidewire runs Lua scripts on the changes of the apps it is connected
// to. Each command is in a file of its own; the logic is in the engine.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(withBallast(func() int {
		logs := newAsyncWriter(os.Stderr)
		defer logs.close()
		return execute(os.Args[1:], terminal{os.Stdin, escapingWriter{os.Stdout}, logs, os.Environ()})
	}))
}

// terminal is what a command may read from and write to.
type terminal struct {
	in      io.Reader
	out     io.Writer // results
	err     io.Writer // logs and errors
	environ []string
}

// execute runs one command and returns its exit status: 0 for success, 1 for an
// error, 2 for a wrong command line.
func execute(args []string, t terminal) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // so that a second signal ends the process at once
	root := newRoot(t)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	printf(t.err, "tidewire: %s\n", lines(err.Error()))
	var usage usageError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

func newRoot(t terminal) *cobra.Command {
	logs := &logFlags{}
	root := &cobra.Command{
		Use:   "tidewire",
		Short: "Lua scripts on the changes of your apps, finished once",
		Long: `Tidewire gives Lua scripts in a folder every endpoint of the apps you use as a
function, and every change in those apps as a hook. Save a script and it is live.

  tidewire demo          see it work, with nothing to set up
  tidewire run [DIR]     run the scripts of a folder`,
		Version:      version(),
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetIn(t.in)
	root.SetOut(t.out)
	root.SetErr(t.err)
	root.SetFlagErrorFunc(wrongFlag)
	logs.add(root.PersistentFlags())
	root.AddCommand(
		demoCommand(t, logs), runCommand(t, logs), sandboxCommand(t, logs),
		connectCommand(t), connectionsCommand(t), vaultCommand(t),
		sendCommand(t), eventsCommand(t), runsCommand(t), statusCommand(t), webhooksCommand(t), doctorCommand(t), backupCommand(t), restoreCommand(t), catalogCommand(t), appCommand(t), settingsCommand(t), benchCommand(t, logs),
	)
	setArgs(root)
	return root
}
