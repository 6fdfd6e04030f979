package vm_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// TestOthersAreNotDelayed: an activation of another script ends while those of one script
// that execute for long hold all slots.
func TestOthersAreNotDelayed(t *testing.T) {
	m := vm.New(vm.Config{Slots: 1})
	compile := func(name, source string) *vm.Program {
		p, err := m.Compile(name, files{name: source}.read)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	long := compile("long.lua", inHook(`while true do end`))
	short := compile("short.lua", inHook(`for i = 1, 1000 do end`))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for range 20 {
		running.Go(func() {
			m.Run(ctx, long, vm.Activation{Event: smallEvent, Host: &recorder{}, Limits: vm.Limits{Instructions: 1 << 50, Time: time.Hour}})
		})
	}
	for range 20 {
		if err := m.Run(t.Context(), short, vm.Activation{Event: smallEvent, Host: &recorder{}}).Err; err != nil {
			t.Error(err)
		}
	}
	cancel()
	running.Wait()
}

// TestTimeOfABusyMachine: the limit counts the time of the thread, and not that of a
// machine with more to execute than processors.
func TestTimeOfABusyMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the time of a thread is read on Linux only")
	}
	at := 8 * runtime.GOMAXPROCS(0)
	m := vm.New(vm.Config{Slots: at})
	loop := program(t, m, inHook(`for i = 1, 500000 do end`))
	execute := func(limit time.Duration) error {
		return m.Run(t.Context(), loop, vm.Activation{Event: smallEvent, Host: &recorder{}, Limits: vm.Limits{Time: limit}}).Err
	}
	began := time.Now()
	if err := execute(time.Minute); err != nil {
		t.Fatal(err)
	}
	limit := 4 * time.Since(began)
	var running sync.WaitGroup
	for range at {
		running.Go(func() {
			if err := execute(limit); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
}

// TestLoadTime: a top level that loops ends after LoadTime.
func TestLoadTime(t *testing.T) {
	m := vm.New(vm.Config{Limits: vm.Limits{Instructions: 1 << 50}})
	var over *vm.LimitError
	if _, err := m.Load(t.Context(), program(t, m, `while true do end`), vm.Settings{}); !errors.As(err, &over) || over.Limit != "time" || !strings.Contains(err.Error(), vm.LoadTime.String()) {
		t.Errorf("ended with %v", err)
	}
}
