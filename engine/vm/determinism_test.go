package vm_test

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

// TestDeterminism runs a script that uses all features, and compares with the
// golden file what it prints and which steps it makes. They must be the same to
// the byte in every process: a replay depends on it.
func TestDeterminism(t *testing.T) {
	want := runFeatures(t, vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}}))
	const golden = "testdata/features.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	compareLines(t, "another process", string(recorded), want)
	if t.Failed() {
		t.Fatal("run with -update if the change is intended, and raise ReplayFormat if it can change the steps of a run that waits")
	}

	// In several runs at the same time, while garbage is made and collected all
	// the time.
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}, Slots: 4})
	stop := make(chan struct{})
	var load, group sync.WaitGroup
	load.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = make([][]byte, 1000)
				runtime.GC()
			}
		}
	})
	got := make([]string, 6)
	for i := range got {
		group.Go(func() { got[i] = runFeatures(t, m) })
	}
	group.Wait()
	close(stop)
	load.Wait()
	for i, text := range got {
		compareLines(t, fmt.Sprintf("execution %d under load", i+1), want, text)
	}
}

// runFeatures runs the script once and returns its log lines, its steps and how
// it ended.
func runFeatures(t testing.TB, m *vm.Machine) string {
	source, err := os.ReadFile("testdata/features.lua")
	if err != nil {
		t.Error(err)
		return ""
	}
	p, err := m.Compile("features.lua", files{
		"features.lua": string(source),
		"shapes.lua":   "local function fail() error('deep') end\nreturn { name = 'shape', fail = function() fail() end }",
	}.read)
	if err != nil {
		t.Error(err)
		return ""
	}
	h := newHost()
	h.answers = map[string][]string{
		"wait_for": {
			`{"id":"e2","type":"acme.contact.updated","data":{"id":"c1","z":1,"a":[1,2],"balance":12.5}}`,
			`{"choice":"approve","by":"ada","note":"","at":"2026-12-01T09:00:00Z"}`,
		},
		"acme.contacts.list": {`{"items":[{"id":"1","z":1,"a":2},{"id":"2"}],"next":{"startAfter":"2"}}`, `{"items":[{"id":"3"},{"id":"4"}]}`},
	}
	h.errors = map[string]*bindings.Error{"acme.contacts.get": {
		Kind: bindings.NotFound, Status: 404, Code: "missing", Message: "no such contact", App: "acme", Operation: "contacts.get",
		RequestID: "r1", Body: json.RawMessage(`{"z":1,"a":{"y":2,"b":3}}`),
	}}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Error(err)
	}
	s := vm.Settings{Zone: zone, Params: json.RawMessage(`{"z":1,"channel":"#sales","a":[3,2,1]}`)}
	var out strings.Builder
	hooks, err := m.Load(t.Context(), p, s)
	fmt.Fprintf(&out, "hooks %s %v\n", must(json.Marshal(hooks)), err)
	end := m.Run(t.Context(), p, vm.Activation{
		Settings: s, Host: h,
		Event: json.RawMessage(`{"id":"e1","type":"acme.contact.created","data":{"name":"Ada","z":1,"kind":"company","a":{"y":[1,2],"b":null},"tags":["x"]}}`),
	})
	for _, line := range h.lines {
		fmt.Fprintln(&out, line)
	}
	for _, s := range h.steps {
		fmt.Fprintf(&out, "step %s %s %s %s %v\n", s.Kind, s.Name, s.Position, s.Args, s.Secrets)
	}
	fmt.Fprintf(&out, "end %v\n", end.Err)
	return out.String()
}

func must(text []byte, err error) string {
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// compareLines reports the first line that differs between two texts.
func compareLines(t *testing.T, name, want, got string) {
	t.Helper()
	if got == want {
		return
	}
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			t.Errorf("%s: line %d\n\twant %s\n\tgot  %s", name, i+1, a[i], strings.Join(b[i:min(i+1, len(b))], ""))
			return
		}
	}
	t.Errorf("%s: %d lines more", name, len(b)-len(a))
}
