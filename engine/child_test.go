package engine_test

import (
	"bufio"
	"context"
	"encoding/json"
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

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// childSettings, in the environment of the test binary, makes it an engine.
const childSettings = "TIDEWIRE_TEST_ENGINE"

// TestMain runs the tests, or an engine of its own that a test can kill.
func TestMain(m *testing.M) {
	if text := os.Getenv(childSettings); text != "" {
		if err := beChild(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// childConfig is what an engine in a process of its own is told.
type childConfig struct {
	Scripts, Data string
	InFlight      int
	Places        map[string]place
	Shop          string // instead of Places
	Log           string // a file
}

// beChild runs an engine until SIGTERM. It prints its address, and each run
// that ended.
func beChild(text string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	config := connected(c.Places)
	if c.Shop != "" {
		config = atShop(c.Shop)
	}
	config.Scripts, config.Data = c.Scripts, c.Data
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

// child is an engine in a process of its own.
type child struct {
	t       *testing.T
	command *exec.Cmd
	url     string
	read    sync.WaitGroup
	// moved gets a word, none if one is there, each time that a run has ended;
	// it is closed when the process has ended.
	moved chan struct{}
}

// spawn starts an engine and returns when it listens. What stands in before
// is put before the command: strace.
func spawn(t *testing.T, c childConfig, before ...string) *child {
	t.Helper()
	return spawnTo(t, os.Stderr, c, before...)
}

// spawnTo is spawn with a place for what the process says on standard error.
func spawnTo(t *testing.T, stderr io.Writer, c childConfig, before ...string) *child {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	settings, err := json.Marshal(c)
	must(t, err)
	line := append(before, self)
	p := &child{t: t, command: exec.CommandContext(context.WithoutCancel(t.Context()), line[0], line[1:]...), moved: make(chan struct{}, 1)}
	p.command.Env = append(os.Environ(), childSettings+"="+string(settings))
	p.command.Stderr = stderr
	out, err := p.command.StdoutPipe()
	must(t, err)
	must(t, p.command.Start())
	t.Cleanup(func() { _ = p.command.Process.Kill() }) // where the test did not come to its end
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "listens ") {
		t.Fatalf("the engine said %q and %v", lines.Text(), p.command.Wait())
	}
	p.url = strings.TrimPrefix(lines.Text(), "listens ")
	p.read.Go(func() {
		defer close(p.moved)
		for lines.Scan() {
			select {
			case p.moved <- struct{}{}:
			default:
			}
		}
	})
	return p
}

// kill ends the process as a crash does.
func (p *child) kill() {
	p.t.Helper()
	must(p.t, p.command.Process.Kill())
	p.read.Wait()
	if err := p.command.Wait(); err == nil {
		p.t.Fatal("the engine ended by itself")
	}
}

// stop ends the process as a person does.
func (p *child) stop() {
	p.t.Helper()
	must(p.t, p.command.Process.Signal(syscall.SIGTERM))
	p.read.Wait()
	must(p.t, p.command.Wait())
}

// waitUntilDone waits until no run is left to do.
func (p *child) waitUntilDone(reader *control.Client) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		live := 0
		for _, state := range []journal.State{journal.Queued, journal.Running} {
			runs, err := reader.Runs(ctx, journal.RunQuery{State: state, Limit: 1000})
			must(p.t, err)
			live += len(runs)
		}
		if live == 0 {
			return
		}
		select {
		case _, goesOn := <-p.moved:
			if !goesOn {
				p.t.Fatal("the engine ended by itself")
			}
		case <-ctx.Done():
			p.t.Fatalf("%d runs were not done in %s", live, patience)
		}
	}
}
