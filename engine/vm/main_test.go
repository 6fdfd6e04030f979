package vm_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder records log lines and steps, and answers steps with answer.
type recorder struct {
	lines  []string
	steps  []vm.Step
	answer func(ctx context.Context, s vm.Step) (json.RawMessage, error)
}

func (h *recorder) Step(ctx context.Context, s vm.Step) (json.RawMessage, error) {
	h.steps = append(h.steps, s)
	switch {
	case h.answer != nil:
		return h.answer(ctx, s)
	case s.Kind == vm.StepNow:
		return json.RawMessage(`"2026-12-01T09:00:00Z"`), nil
	case s.Kind == vm.StepRandom:
		return json.RawMessage("4"), nil
	}
	return json.RawMessage("null"), nil
}

func (h *recorder) File(hash string, _ int64) ([]byte, error) {
	return []byte("the content of " + hash), nil
}

func (h *recorder) Secret(name string) (string, error) { return "the " + name, nil }

func (h *recorder) Replaying() bool { return false }

func (h *recorder) Log(_ slog.Level, text string, _ json.RawMessage) {
	h.lines = append(h.lines, text)
}

// files is a scripts folder in memory.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	text, ok := f[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func program(t testing.TB, m *vm.Machine, source string) *vm.Program {
	t.Helper()
	p, err := m.Compile("test.lua", files{"test.lua": source}.read)
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return p
}

// inHook wraps the lines of a test into the function of a hook, on the same
// lines.
func inHook(body string) string {
	return `on("in:/test", function(event) ` + body + "\nend)"
}

// run compiles a script with one hook and runs it.
func run(t testing.TB, m *vm.Machine, source string, limits vm.Limits) (vm.Result, *recorder) {
	t.Helper()
	host := &recorder{}
	return runWith(t, m, source, limits, host), host
}

func runWith(t testing.TB, m *vm.Machine, source string, limits vm.Limits, host vm.Host) vm.Result {
	t.Helper()
	limits.Time = cmp.Or(limits.Time, 10*time.Minute) // so that no script is ended on a slow machine
	return m.Run(t.Context(), program(t, m, source), vm.Activation{
		Settings: vm.Settings{Zone: time.UTC},
		Event:    json.RawMessage(`{"id":"e1","type":"in:/test","data":{"name":"Ada"}}`),
		Host:     host, Limits: limits,
	})
}

func wantScriptError(t testing.TB, err error) *vm.ScriptError {
	t.Helper()
	var e *vm.ScriptError
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want a script error", err, err)
	}
	return e
}
