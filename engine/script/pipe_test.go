//go:build unix

package script_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tidewire/tidewire/engine/script"
)

// TestNamedPipe: a named pipe in the place of a file that a script requires is a problem
// of that script, and the others are loaded.
func TestNamedPipe(t *testing.T) {
	f := open(t)
	f.write("lib/good.lua", "return 1")
	if err := syscall.Mkfifo(filepath.Join(f.dir, "lib", "pipe.lua"), 0o600); err != nil {
		t.Skip(err)
	}
	f.write("a.lua", `require "lib.pipe" `+hook("one"))
	f.write("b.lua", `require "lib.good" `+hook("two"))
	set, err := script.Open(t.Context(), f.config)
	if err != nil {
		t.Fatal(err)
	}
	problems := set.Problems()
	if len(problems) != 1 || problems[0].Script != "a" || !strings.Contains(problems[0].Error(), "expected a file, found a named pipe") {
		t.Errorf("found %v", problems)
	}
	if set.Generation().Scripts["b"] == nil {
		t.Error("the other script is not live")
	}
}
