package bindingstest

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

var update = flag.Bool("update", false, "write the golden files again")

// testGolden compares the names with golden files. Scripts use the names, so none
// may change by accident.
func testGolden(t *testing.T, c *bindings.Catalogue) {
	var names, triggers strings.Builder
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		fmt.Fprintf(&names, "%s %s %s\n", name, o.Method, o.Path)
	}
	for _, name := range c.Triggers() {
		trigger, _ := c.Trigger(name)
		fmt.Fprintf(&triggers, "%s %s", name, trigger.Vendor)
		if trigger.Form != "" {
			fmt.Fprintf(&triggers, " form=%s", trigger.Form)
		}
		for _, path := range slices.Sorted(maps.Keys(trigger.When)) {
			fmt.Fprintf(&triggers, " %s=%s", path, trigger.When[path])
		}
		triggers.WriteByte('\n')
	}
	if edition := c.Edition(); edition != "" {
		golden(t, edition+".names.golden", names.String())
		return
	}
	golden(t, "names.golden", names.String())
	golden(t, "triggers.golden", triggers.String())
}

func golden(t *testing.T, file, want string) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	found, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	lines := map[string]bool{}
	for _, line := range strings.Split(string(found), "\n") {
		lines[line] = true
	}
	for _, line := range strings.Split(want, "\n") {
		if !lines[line] {
			t.Errorf("%s has no %q", path, line)
		}
		delete(lines, line)
	}
	for line := range lines {
		t.Errorf("%s has %q, which the app does not have any more; scripts may use it", path, line)
	}
}
