package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMistakes runs scripts with mistakes in an engine. The parts of
// testdata/mistakes.txt are scripts with the error that their author gets: from
// the log when the script is saved, or from the run of an event.
func TestMistakes(t *testing.T) {
	file := filepath.Join("testdata", "mistakes.txt")
	text, err := os.ReadFile(file)
	must(t, err)
	intro, rest, _ := strings.Cut(string(text), "=== ")
	f := newFixture(t, nil)
	output := intro
	for part := range strings.SplitSeq(rest, "\n=== ") {
		name, source, _ := strings.Cut(part, "\n")
		source, _, _ = strings.Cut(source, "\n--- ")
		source = strings.TrimSpace(source) + "\n"
		output += fmt.Sprintf("=== %s\n%s--- %s\n", name, source, builtIn.ReplaceAllString(f.resultOf(source), "apps are {apps}"))
	}
	golden(t, file, strings.TrimSpace(output)+"\n")
}

// builtIn matches the list of apps in an error, which is longer with each new app.
var builtIn = regexp.MustCompile(`apps are [a-z0-9.]+(, [a-z0-9.]+)+`)

// resultOf saves a script, sends it an event, and returns the error or the result.
func (f *fixture) resultOf(source string) string {
	f.t.Helper()
	from := f.log.length()
	f.write("try.lua", source)
	line := f.log.await(f.t, from, `"script":"try"`)
	result := fmt.Sprintf("not loaded: %v\n", line["error"])
	if line["msg"] == "script loaded" {
		result = f.runOnce()
	}
	from = f.log.length()
	f.write("try.lua", fmt.Sprintf("-- no hook, after %d lines\n", from))
	f.log.await(f.t, from, `"script loaded","script":"try","hooks":0`)
	return result
}

// runOnce posts an event and returns how its run ended.
func (f *fixture) runOnce() string {
	f.t.Helper()
	if code, answer := f.post("/in/try", `{}`); code != 200 {
		return fmt.Sprintf("refused: %d %s", code, answer)
	}
	f.settle()
	runs := f.runs()
	last := runs[len(runs)-1]
	result := fmt.Sprintf("%s\n", last.Run.State)
	if last.Run.Problem != nil {
		result = fmt.Sprintf("%s: %s\n", last.Run.State, last.Run.Problem.Text())
	}
	for _, step := range last.Steps {
		result += fmt.Sprintf("%d %s %s", step.Number, step.Name, step.State)
		if step.Sendings > 0 {
			result += fmt.Sprintf(", sent %d times", step.Sendings)
		}
		result += "\n"
	}
	return result
}
