package vm_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGlobals compares the globals of scripts with the golden file.
func TestGlobals(t *testing.T) {
	var b strings.Builder
	all := vm.New(vm.Config{}).Globals()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintln(&b, strings.TrimSpace(name+" "+strings.Join(all[name], " ")))
	}
	const golden = "testdata/globals.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("globals are\n%s\nwant\n%s\nrun with -update if that is meant", b.String(), want)
	}
}
