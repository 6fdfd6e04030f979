package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMistakes shows what the author of a script hears, through a real engine
// with its scripts folder: from the log when a script is saved, and from the
// run when an event has come. The parts of testdata/mistakes.txt are scripts
// with what is said of them.
func TestMistakes(t *testing.T) {
	file := filepath.Join("testdata", "mistakes.txt")
	text, err := os.ReadFile(file)
	must(t, err)
	intro, rest, _ := strings.Cut(string(text), "=== ")
	w := newWorld(t, nil)
	told := intro
	for part := range strings.SplitSeq(rest, "\n=== ") {
		name, source, _ := strings.Cut(part, "\n")
		source, _, _ = strings.Cut(source, "\n--- ")
		source = strings.TrimSpace(source) + "\n"
		told += fmt.Sprintf("=== %s\n%s--- %s\n", name, source, builtIn.ReplaceAllString(w.try(source), "apps are {apps}"))
	}
	golden(t, file, strings.TrimSpace(told)+"\n")
}

// builtIn is the list of apps in an error, which grows with each app.
var builtIn = regexp.MustCompile(`apps are [a-z0-9.]+(, [a-z0-9.]+)+`)

// try saves a script, sends it an event, and tells what is said.
func (w *world) try(source string) string {
	w.t.Helper()
	mark := w.log.mark()
	w.write("try.lua", source)
	line := w.log.await(w.t, mark, `"script":"try"`)
	said := fmt.Sprintf("not loaded: %v\n", line["error"])
	if line["msg"] == "script loaded" {
		said = w.fire()
	}
	mark = w.log.mark()
	must(w.t, os.Remove(filepath.Join(w.scripts, "try.lua")))
	if line["msg"] == "script loaded" {
		w.log.await(w.t, mark, `"script removed","script":"try"`)
	}
	return said
}

// fire posts an event and tells how its run ended.
func (w *world) fire() string {
	w.t.Helper()
	if code, answer := w.post("/in/try", `{}`); code != 200 {
		return fmt.Sprintf("refused: %d %s", code, answer)
	}
	w.settle()
	runs := w.runs()
	last := runs[len(runs)-1]
	said := fmt.Sprintf("%s\n", last.Run.State)
	if last.Run.Problem != nil {
		said = fmt.Sprintf("%s: %s\n", last.Run.State, last.Run.Problem.Text())
	}
	for _, step := range last.Steps {
		said += fmt.Sprintf("%d %s %s", step.Number, step.Name, step.State)
		if step.Attempts > 0 {
			said += fmt.Sprintf(", sent %d times", step.Attempts)
		}
		said += "\n"
	}
	return said
}
