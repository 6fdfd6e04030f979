package vm_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	"github.com/tidewire/tidewire/engine/vm"
)

// result is the body of a function and the text that it returns, here and in
// lua5.1. A body that is no Lua 5.1 has only the result of this package.
type result struct {
	body, want string
	oursOnly   bool // it uses goto
}

// testResults runs bodies here and, if it is installed, in lua5.1.
func testResults(t *testing.T, rows []result) {
	t.Helper()
	m := vm.New(vm.Config{})
	for _, row := range rows {
		if got := ours(t, m, row.body); got != row.want {
			t.Errorf("%s\n\tgot  %s\n\twant %s", row.body, got, row.want)
		}
	}
	t.Run("lua5.1", func(t *testing.T) {
		var bodies []string
		var wanted []result
		for _, row := range rows {
			if !row.oursOnly {
				bodies, wanted = append(bodies, row.body), append(wanted, row)
			}
		}
		for i, got := range lua51(t, bodies) {
			if got != wanted[i].want {
				t.Errorf("%s\n\tlua5.1 gives %s\n\twant %s", wanted[i].body, got, wanted[i].want)
			}
		}
	})
}

// ours returns the text that a body returns here, or its error.
func ours(t testing.TB, m *vm.Machine, body string) string {
	t.Helper()
	p, err := m.Compile("test.lua", files{"test.lua": inHook("print(tostring((function(...) " + body + "\nend)()))")}.read)
	if err != nil {
		return "compile: " + err.Error()
	}
	host := &recorder{}
	if out := m.Run(t.Context(), p, vm.Activation{Event: smallEvent, Host: host}); out.Err != nil {
		return "error: " + out.Err.Error()
	}
	return strings.Join(host.lines, "\n")
}

// lua51 returns the texts that bodies return in lua5.1.
func lua51(t *testing.T, bodies []string) []string {
	t.Helper()
	path, err := exec.LookPath("lua5.1")
	if err != nil {
		t.Skip("lua5.1 is not installed: our values are not compared with it")
	}
	var script strings.Builder
	for _, body := range bodies {
		fmt.Fprintf(&script, "do local f, e = loadstring(%s, '=test.lua')\n", longText(body))
		script.WriteString("local ok, v; if f then ok, v = pcall(f) else ok, v = false, e end\n")
		script.WriteString("io.write((ok and '' or 'error: ') .. tostring(v), '\\0\\n\\0') end\n")
	}
	command := exec.CommandContext(t.Context(), path, "-")
	command.Stdin = strings.NewReader(script.String())
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("lua5.1: %v\n%s", err, out)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00\n\x00"), "\x00\n\x00")
}

// longText writes a text between long brackets that do not occur in it.
func longText(text string) string {
	equals := "="
	for strings.Contains(text, "]"+equals) {
		equals += "="
	}
	return "[" + equals + "[\n" + text + "]" + equals + "]"
}

// stillWrong fails if gopher-lua without corrections returns the right value:
// then the file that corrects the fault can be deleted.
func stillWrong(t *testing.T, file string, row result) {
	t.Helper()
	L := lua.NewState()
	defer L.Close()
	got := "an error"
	if err := L.DoString("return tostring((function(...) " + row.body + "\nend)())"); err == nil {
		got = strings.ToLower(strings.TrimPrefix(L.Get(-1).String(), "+")) // +Inf
	}
	if got == row.want {
		t.Errorf("gopher-lua gives the right value by itself: %s can go\n%s", file, row.body)
	}
}

var noLimits vm.Limits

func newMachine() *vm.Machine { return vm.New(vm.Config{}) }
