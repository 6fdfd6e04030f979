// Measure runs a stripped binary of Tidewire with one script, and prints the
// size of the binary, the time until it is ready, and its memory when idle. It
// fails if size or memory is over its bound, or if the start takes more than
// ten times its bound: less may be due to a busy machine.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	maxSize   = 45 << 20 // bytes
	maxStart  = 80 * time.Millisecond
	maxMemory = 40 << 10 // KiB
	starts    = 5        // the median counts
	idle      = 3 * time.Second
	maxRun    = time.Minute // for one run of the engine
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: measure BINARY")
		os.Exit(2)
	}
	if err := measure(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func measure(binary string) error {
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tidewire-measure")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.MkdirAll(filepath.Join(dir, "scripts"), 0o755); err != nil {
		return err
	}
	script := `on("in:/idle", { verify = "none" }, function(event) log.info("got", event.data) end)`
	if err := os.WriteFile(filepath.Join(dir, "scripts", "idle.lua"), []byte(script), 0o644); err != nil {
		return err
	}
	var took []time.Duration
	memory := 0
	for i := range starts {
		start, kib, err := run(binary, dir, i == starts-1)
		if err != nil {
			return err
		}
		took, memory = append(took, start), max(memory, kib)
	}
	slices.Sort(took)
	start := took[starts/2]
	fmt.Printf("stripped size %.1f MB (bound %d), ready after %s (bound %s), idle memory %.1f MB (bound %d)\n",
		float64(info.Size())/(1<<20), maxSize>>20, start.Round(time.Millisecond), maxStart, float64(memory)/(1<<10), maxMemory>>10)
	switch {
	case info.Size() > maxSize:
		return errors.New("the binary is over its bound")
	case start > 10*maxStart:
		return errors.New("the start takes more than ten times its bound")
	case memory > maxMemory:
		return errors.New("the memory is over its bound")
	}
	return nil
}

// run starts the engine once, and returns the time until it is ready and, if
// idle memory is wanted, the memory that it has some seconds later, in KiB.
func run(binary, dir string, wantMemory bool) (ready time.Duration, kib int, err error) {
	c := exec.Command(binary, "run", dir, "--listen", "127.0.0.1:0")
	logs, err := c.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	stuck := time.AfterFunc(maxRun, func() { c.Process.Kill() })
	defer stuck.Stop()
	log, isReady := "", false
	lines := bufio.NewScanner(logs)
	for !isReady && lines.Scan() {
		log += lines.Text() + "\n"
		isReady = strings.Contains(lines.Text(), "tidewire is ready")
	}
	ready = time.Since(began)
	if !isReady {
		return 0, 0, fmt.Errorf("it did not become ready: %w\n%s", errors.Join(lines.Err(), c.Wait()), log)
	}
	if wantMemory {
		time.Sleep(idle)
		kib, err = resident(c.Process.Pid)
	}
	err = errors.Join(err, c.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
	}
	return ready, kib, errors.Join(err, c.Wait())
}

// resident returns the resident memory of a process in KiB.
func resident(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		if text, found := strings.CutPrefix(line, "VmRSS:"); found {
			return strconv.Atoi(strings.Fields(text)[0])
		}
	}
	return 0, errors.New("/proc has no VmRSS of the process")
}
