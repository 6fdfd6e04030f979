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

const maxTests = 15

func main() {
	r := results{output: map[string]map[string]string{}}
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line)
		}
		r.add(e)
		if err != nil {
			break
		}
	}
	slices.SortFunc(r.tests, func(a, b event) int { return cmp.Compare(b.Elapsed, a.Elapsed) })
	fmt.Println("slowest tests:")
	for _, e := range r.tests[:min(maxTests, len(r.tests))] {
		fmt.Printf("%8.2fs  %s  %s\n", e.Elapsed, strings.TrimPrefix(e.Package, "github.com/tidewire/tidewire/"), e.Test)
	}
}

// results are the tests that ended, and the output of those that run.
type results struct {
	tests  []event
	output map[string]map[string]string // by package and test
}

// add takes in an event, and prints what is to be seen of it.
func (r *results) add(e event) {
	switch running := r.output[e.Package]; {
	case e.Action == "output" && e.Test != "":
		if running == nil {
			running = map[string]string{}
			r.output[e.Package] = running
		}
		running[e.Test] += e.Output
	case (e.Action == "output" || e.Action == "build-output") && e.Output != "PASS\n":
		fmt.Print(e.Output)
	case e.Test == "" && e.Action == "fail": // a test that did not end has no result of its own
		for _, test := range slices.Sorted(maps.Keys(running)) {
			fmt.Print(running[test])
		}
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		if e.Action == "fail" {
			fmt.Print(running[e.Test])
		}
		delete(running, e.Test)
		if e.Test != "" && !strings.Contains(e.Test, "/") {
			r.tests = append(r.tests, e)
		}
	}
}
