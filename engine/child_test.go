package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// childSettings, in the environment of the test binary, makes it an engine.
const childSettings = "TIDEWIRE_TEST_ENGINE"

// TestMain runs the tests, or, in a child process, an engine that a test can
// kill.
func TestMain(m *testing.M) {
	if text := os.Getenv(childSettings); text != "" {
		if err := runChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// childConfig configures an engine in a child process. It is passed as JSON.
type childConfig struct {
	Scripts, Data string
	InFlight      int
	Addresses     map[string]appAddress
	Shop          string // instead of Places
	Log           string // a file
	UID           int    // the user that it becomes; zero: it stays the same
	// Work replaces how long vendors may be at work on a call; zero: it stays.
	Work time.Duration
}

// runChild runs an engine until SIGTERM. It prints the engine's address, and each
// run that has ended.
func runChild(text string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	if c.UID != 0 {
		if err := errors.Join(syscall.Setgid(c.UID), syscall.Setuid(c.UID)); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config := sandboxConfig(c.Addresses)
	if c.Shop != "" {
		config = atShop(c.Shop)
	}
	config.Scripts, config.Data = c.Scripts, c.Data
	if c.Work > 0 {
		shortenLookups(config.Apps, c.Work)
	}
	unlimited(&config)
	if c.Log != "" {
		log, err := os.OpenFile(c.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer log.Close()
		config.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	config.InFlight = c.InFlight
	config.Finished = func(run journal.Run, _ []journal.Step) { fmt.Println("finished", run.ID, run.State) }
	e, err := engine.New(ctx, config)
	if err != nil {
		return err
	}
	fmt.Println("listens", e.URL())
	return e.Run(ctx)
}

// shortenLookups makes the look-ups of apps short.
func shortenLookups(apps []*bindings.App, work time.Duration) {
	for _, app := range apps {
		for _, name := range app.Operations() {
			op, _ := app.Operation(name)
			for i := range op.Find {
				op.Find[i].Lag, op.Find[i].Work = bindings.Duration(time.Millisecond), bindings.Duration(work)
			}
		}
	}
}

// child is an engine in a child process.
type child struct {
	t       *testing.T
	command *exec.Cmd
	url     string
	read    sync.WaitGroup
	// changed has a value if a run has ended since the last receive. It is closed
	// when the process has ended.
	changed chan struct{}
}

// spawn starts an engine and returns when it listens. The prefix is put before
// the command line, for strace.
func spawn(t *testing.T, c childConfig, prefix ...string) *child {
	t.Helper()
	return spawnTo(t, os.Stderr, c, prefix...)
}

// spawnTo is spawn with a writer for the standard error of the process.
func spawnTo(t *testing.T, stderr io.Writer, c childConfig, prefix ...string) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	settings, err := json.Marshal(c)
	must(t, err)
	line := append(prefix, self)
	p := &child{t: t, command: exec.CommandContext(context.WithoutCancel(t.Context()), line[0], line[1:]...), changed: make(chan struct{}, 1)}
	p.command.Env = append(os.Environ(), childSettings+"="+string(settings))
	p.command.Stderr = stderr
	out, err := p.command.StdoutPipe()
	must(t, err)
	must(t, p.command.Start())
	t.Cleanup(func() { _ = p.command.Process.Kill() }) // if the test failed before it stopped the process
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "listens ") {
		t.Fatalf("the engine printed %q and ended with %v", lines.Text(), p.command.Wait())
	}
	p.url = strings.TrimPrefix(lines.Text(), "listens ")
	p.read.Go(func() {
		defer close(p.changed)
		for lines.Scan() {
			select {
			case p.changed <- struct{}{}:
			default:
			}
		}
	})
	return p
}

// kill ends the process with SIGKILL.
func (p *child) kill() {
	p.t.Helper()
	must(p.t, p.command.Process.Kill())
	p.read.Wait()
	if err := p.command.Wait(); err == nil {
		p.t.Fatal("the engine ended by itself")
	}
}

// stop ends the process with SIGTERM.
func (p *child) stop() {
	p.t.Helper()
	must(p.t, p.command.Process.Signal(syscall.SIGTERM))
	p.read.Wait()
	must(p.t, p.command.Wait())
}

// waitUntilDone waits until no run is queued, running or being looked up.
func (p *child) waitUntilDone(reader *control.Client) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), maxWait)
	defer cancel()
	for {
		counts, err := reader.Counts(ctx)
		must(p.t, err)
		runs, err := reader.Runs(ctx, journal.RunQuery{State: journal.Held, Limit: 1000})
		must(p.t, err)
		live := counts[journal.Queued] + counts[journal.Running] + counts[journal.Held]
		for _, run := range runs {
			if run.Park != nil && run.Park.Until.IsZero() {
				live-- // nobody decides it
			}
		}
		if live == 0 {
			return
		}
		// Not after each run: to count the runs takes longer with each.
		for poll, waits := time.After(100*time.Millisecond), true; waits; {
			select {
			case _, goesOn := <-p.changed:
				if !goesOn {
					p.t.Fatal("the engine ended by itself")
				}
			case <-poll:
				waits = false
			case <-ctx.Done():
				p.t.Fatalf("%d runs were not done in %s", live, maxWait)
			}
		}
	}
}
