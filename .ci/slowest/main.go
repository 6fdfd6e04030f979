// Slowest reads the output of go test -json. It prints what go test prints
// without -json, and then the tests that took longest.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
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
	output := map[string]*strings.Builder{} // of tests, shown if they fail
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		var e event
		if len(line) > 0 && json.Unmarshal(line, &e) != nil {
			os.Stdout.Write(line) // of a build that failed
		}
		name := e.Package + " " + e.Test
		switch {
		case e.Action == "output" && e.Test != "":
			if output[name] == nil {
				output[name] = &strings.Builder{}
			}
			output[name].WriteString(e.Output)
		case (e.Action == "output" || e.Action == "build-output") && e.Output != "PASS\n":
			fmt.Print(e.Output)
		case e.Test != "" && (e.Action == "pass" || e.Action == "fail"):
			if e.Action == "fail" && output[name] != nil {
				fmt.Print(output[name])
			}
			delete(output, name)
			if !strings.Contains(e.Test, "/") {
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
