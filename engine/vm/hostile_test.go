package vm_test

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

var hostileLimits = vm.Limits{
	Instructions: 2_000_000, Memory: 10 << 20, Steps: 50, Output: 64 << 10, StringLength: 1 << 20,
	Time: 10 * time.Minute, // no script reaches it on a slow machine; scripts about the limit of time have another one
}

// Each file of testdata/hostile tries to end or stall the host. Its first line
// is what must end it: "limit memory" (or another limit), "error" and a part of
// the message, or "syntax" and a part of the error of Compile.
func TestHostileScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long under the race detector, which finds nothing in one goroutine")
	}
	paths, err := filepath.Glob("testdata/hostile/*.lua")
	if err != nil || len(paths) < 60 {
		t.Fatalf("%d hostile scripts, %v", len(paths), err)
	}
	m := vm.New(vm.Config{Limits: hostileLimits})
	good := program(t, m, inHook(`assert(("good"):upper() == "GOOD"); kept = (kept or 0) + 1; assert(kept == 1)`))
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".lua"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, _ := bufio.NewReader(strings.NewReader(string(source))).ReadLine()
			kind, want, _ := strings.Cut(strings.TrimPrefix(string(first), "-- "), " ")
			limits := hostileLimits
			if strings.Contains(want, "time") {
				limits.Time = 100 * time.Millisecond
			}
			began := time.Now()
			grown := heapGrowth(func() { err = hostileEnd(t, m, source, limits) })
			if elapsed := time.Since(began); elapsed > time.Minute { // seconds at the most, on the slowest machine
				t.Errorf("took %s", elapsed)
			}
			if grown > 128<<20 {
				t.Errorf("used %d MiB", grown>>20)
			}
			checkEnd(t, err, kind, want)
			if out := m.Run(t.Context(), good, vm.Activation{Event: smallEvent, Host: &recorder{}}); out.Err != nil {
				t.Errorf("the next run: %v", out.Err)
			}
		})
	}
}

// hostileEnd compiles and runs a script and returns what ended it.
func hostileEnd(t *testing.T, m *vm.Machine, source []byte, limits vm.Limits) error {
	p, err := m.Compile("hostile.lua", files{"hostile.lua": string(source)}.read)
	if err != nil {
		return err
	}
	return m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: &recorder{}, Limits: limits}).Err
}

var hostileLine = regexp.MustCompile(`^hostile\.lua:\d+: `)

func checkEnd(t *testing.T, err error, kind, want string) {
	t.Helper()
	if err == nil {
		t.Fatal("it ended without an error")
	}
	var limit *vm.LimitError
	var script *vm.ScriptError
	var syntax *vm.SyntaxError
	switch {
	case errors.As(err, &limit):
		if kind != "limit" || !strings.Contains(" "+want+" ", " "+limit.Limit+" ") && want != limit.Limit {
			t.Errorf("ended by %q: %v; want %s %s", limit.Limit, err, kind, want)
		}
	case errors.As(err, &script):
		if kind != "error" || !strings.Contains(script.Message, want) {
			t.Errorf("ended by an error: %v; want %s %s", err, kind, want)
		}
	case errors.As(err, &syntax):
		if kind != "syntax" || !strings.Contains(err.Error(), want) {
			t.Errorf("not compiled: %v; want %s %s", err, kind, want)
		}
	default:
		t.Errorf("ended by %T: %v; want %s %s", err, err, kind, want)
	}
	if !hostileLine.MatchString(err.Error()) {
		t.Errorf("%q has no line", err)
	}
}

// heapGrowth returns how many bytes, live and garbage, f added to the heap at
// most while it ran.
func heapGrowth(f func()) uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	size := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64()
	}
	runtime.GC()
	before := size()
	stop, peaks := make(chan struct{}), make(chan uint64)
	go func() {
		peak := before
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				peaks <- max(peak, size())
				return
			case <-tick.C:
				peak = max(peak, size())
			}
		}
	}()
	f()
	close(stop)
	return <-peaks - before
}
