// Measure starts a stripped binary in an empty folder with one script, and
// prints its size, how long it takes until it is ready, and its memory when it
// is idle. It fails where size or memory are over their bounds, and where the
// start takes ten times its bound: the machine may be busy.
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
)

func main() {
	if err := measure(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
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
	if info.Size() > maxSize || start > 10*maxStart || memory > maxMemory {
		return errors.New("over a bound")
	}
	return nil
}

// run starts the engine once, and gives the time until it is ready and, if
// asked, its memory after a while.
func run(binary, dir string, wait bool) (ready time.Duration, kib int, err error) {
	c := exec.Command(binary, "run", dir, "--listen", "127.0.0.1:0")
	logs, err := c.StderrPipe()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	lines := bufio.NewScanner(logs)
	for lines.Scan() && !strings.Contains(lines.Text(), "tidewire is ready") {
	}
	ready = time.Since(began)
	if wait {
		time.Sleep(idle)
		if kib, err = resident(c.Process.Pid); err != nil {
			return 0, 0, err
		}
	}
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, err
	}
	for lines.Scan() {
	}
	return ready, kib, c.Wait()
}

// resident gives the resident memory of a process in KiB.
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
	return 0, errors.New("the kernel does not say how much memory the process has")
}
