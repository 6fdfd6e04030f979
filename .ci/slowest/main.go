// Slowest reads the output of go test -json. It prints the results of packages
// and the output of tests that failed or did not end, and then the tests that
// took longest.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
)

// event is one line of go test -json.
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

const shown = 15

func main() {
	var slow []event
	output := map[string]map[string]string{} // by package and test, of tests that run
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line)
		}
		switch tests := output[e.Package]; {
		case e.Action == "output" && e.Test != "":
			if tests == nil {
				tests = map[string]string{}
				output[e.Package] = tests
			}
			tests[e.Test] += e.Output
		case (e.Action == "output" || e.Action == "build-output") && e.Output != "PASS\n":
			fmt.Print(e.Output)
		case e.Test == "" && e.Action == "fail": // a test that did not end has no result of its own
			for _, test := range slices.Sorted(maps.Keys(tests)) {
				fmt.Print(tests[test])
			}
		case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
			if e.Action == "fail" {
				fmt.Print(tests[e.Test])
			}
			delete(tests, e.Test)
			if e.Test != "" && !strings.Contains(e.Test, "/") {
				slow = append(slow, e)
			}
		}
		if err != nil {
			break
		}
	}
	slices.SortFunc(slow, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	fmt.Println("slowest tests:")
	for _, e := range slow[:min(shown, len(slow))] {
		fmt.Printf("%8.2fs  %s  %s\n", e.Elapsed, strings.TrimPrefix(e.Package, "github.com/tidewire/tidewire/"), e.Test)
	}
}
