package vm_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

// For every text, compiling and running it must end in time, with one of the
// errors that are written for users.
func FuzzScript(f *testing.F) {
	paths, err := filepath.Glob("testdata/hostile/*.lua")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range append(paths, "testdata/typical.lua") {
		source, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(source) < 2000 {
			f.Add(string(source))
		}
	}
	m := vm.New(vm.Config{Limits: vm.Limits{
		Instructions: 100_000, Memory: 4 << 20, Time: 200 * time.Millisecond, Steps: 20, Output: 4 << 10, StringLength: 64 << 10,
	}})
	f.Fuzz(func(t *testing.T, source string) {
		began := time.Now()
		defer func() {
			if elapsed := time.Since(began); elapsed > time.Minute {
				t.Errorf("took %s", elapsed)
			}
		}()
		p, err := m.Compile("fuzz.lua", files{"fuzz.lua": source}.read)
		if err != nil {
			var syntax *vm.SyntaxError
			if !errors.As(err, &syntax) {
				t.Errorf("compile: %T %v", err, err)
			}
			return
		}
		hooks, err := m.Load(t.Context(), p, vm.Settings{})
		readable(t, err)
		for i := range hooks {
			readable(t, m.Run(t.Context(), p, vm.Activation{Hook: i, Event: smallEvent, Host: &recorder{}}).Err)
		}
	})
}

func readable(t *testing.T, err error) {
	t.Helper()
	var limit *vm.LimitError
	var script *vm.ScriptError
	if err != nil && !errors.As(err, &limit) && !errors.As(err, &script) {
		t.Errorf("%T %v", err, err)
	}
}
