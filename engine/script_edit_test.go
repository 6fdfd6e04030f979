package engine_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/journal"
)

// greeting returns a script that stores a word in its state, so that a run shows
// which version was executed.
func greeting(word string) string {
	return fmt.Sprintf(`on("in:/hello", { verify = "none" }, function(event)
  state.put("word", %q)
end)
`, word)
}

// lastWord returns the arguments of the step in which the newest run stored its
// word.
func (f *fixture) lastWord() string {
	f.t.Helper()
	f.settle()
	runs := f.runs()
	last := runs[len(runs)-1]
	if last.Run.State != journal.Succeeded || len(last.Steps) != 1 {
		f.t.Fatalf("the newest run is %s with %d steps", last.Run.State, len(last.Steps))
	}
	return string(last.Steps[0].Args)
}

// expectWord posts an event and expects that its run stores a word, or, if want is
// empty, that no script handles the event.
func (f *fixture) expectWord(want string) {
	f.t.Helper()
	code, answer := f.post("/in/hello", `{}`)
	if want == "" {
		if code != 404 {
			f.t.Errorf("got %d %s, want 404: nothing listens", code, answer)
		}
		return
	}
	if code != 200 {
		f.t.Fatalf("got %d %s, want 200", code, answer)
	}
	if got := f.lastWord(); !strings.Contains(got, `"`+want+`"`) {
		f.t.Errorf("the run did %s, want the word %q", got, want)
	}
}

// TestScriptEdits changes scripts while the engine runs. A saved version is live
// for the next event, one with an error is logged with its line and leaves the old
// version live, and a deleted script is removed.
func TestScriptEdits(t *testing.T) {
	f := newFixture(t, map[string]string{"hello.lua": greeting("one")})
	change := func(pattern string, edit func()) map[string]any {
		t.Helper()
		from := f.log.length()
		edit()
		return f.log.await(t, from, pattern)
	}
	f.expectWord("one")

	change(`"script loaded","script":"hello"`, func() { f.write("hello.lua", greeting("two")) })
	f.expectWord("two")

	line := change(`not loaded.*"script":"hello"`, func() { f.write("hello.lua", greeting("three")+"\nif") })
	if line["msg"] != "script not loaded; its last version stays live" || !strings.Contains(fmt.Sprint(line["error"]), "hello.lua:5: the file ends, and 'if' of line 5 has no 'end'") {
		t.Errorf("the log has %v", line)
	}
	f.expectWord("two")
	if status, err := f.journal.Status(t.Context()); err != nil || len(status.Scripts) != 1 ||
		!strings.Contains(status.Scripts[0].Problem, "hello.lua:5: ") || len(status.Scripts[0].Hooks) != 1 {
		t.Errorf("the status is %+v, %v", status.Scripts, err)
	}

	change(`"script loaded","script":"hello"`, func() { f.write("hello.lua", greeting("four")) })
	f.expectWord("four")

	change(`"script loaded","script":"other"`, func() {
		f.write("other/main.lua", `local words = require "other.words"
on("in:/other", { verify = "none" }, function(event) state.put("word", words.first) end)`)
		f.write("other/words.lua", `return { first = "five" }`)
	})
	if code, answer := f.post("/in/other", `{}`); code != 200 {
		t.Errorf("a script that was added: got %d %s", code, answer)
	}
	if got := f.lastWord(); !strings.Contains(got, "five") {
		t.Errorf("the run did %s", got)
	}

	change(`"script removed","script":"hello"`, func() { must(t, os.Remove(filepath.Join(f.scripts, "hello.lua"))) })
	f.expectWord("")

	change(`"script loaded","script":"hello"`, func() { f.write("hello.lua", greeting("six")) })
	f.expectWord("six")
}

// TestLimitEndsRun runs a script without end. Its run fails with the name of the
// limit, other scripts run meanwhile, and run.failed is emitted.
func TestLimitEndsRun(t *testing.T) {
	f := newFixture(t, map[string]string{
		"endless.lua": `on("in:/endless", { verify = "none" }, function() while true do end end)`,
		"hello.lua":   greeting("on"),
		"watch.lua": `on("run.failed", function(event)
  state.put("failure", { script = event.data.script, limit = event.data.error.limit })
end)`,
	})
	if code, answer := f.post("/in/endless", `{}`); code != 200 {
		t.Fatalf("got %d %s", code, answer)
	}
	if code, answer := f.post("/in/hello", `{}`); code != 200 {
		t.Fatalf("got %d %s", code, answer)
	}
	f.settle()
	for _, one := range f.runs() {
		switch one.Run.Script {
		case "hello":
			if one.Run.State != journal.Succeeded {
				t.Errorf("the other script's run is %s", one.Run.State)
			}
		case "endless":
			p := one.Run.Problem
			if one.Run.State != journal.Failed || p == nil || p.Limit != "instructions" && p.Limit != "time" || p.Position != "endless.lua:1" {
				t.Errorf("the endless run is %s with %+v", one.Run.State, p)
			}
		case "watch":
			if args := string(one.Steps[0].Args); !strings.Contains(args, `"script":"endless"`) || !strings.Contains(args, `"limit":"`) {
				t.Errorf("run.failed has %s", args)
			}
		}
	}
	if len(f.runs()) != 3 {
		t.Errorf("found %d runs, want 3", len(f.runs()))
	}
}

// TestEventsDuringEdits posts events while a script is saved many times. Every
// event is accepted, and each run executes one of the versions.
func TestEventsDuringEdits(t *testing.T) {
	f := newFixture(t, map[string]string{"hello.lua": greeting("0")}, func(c *engine.Config) { unlimited(c) })
	stop := make(chan struct{})
	edited := make(chan int)
	go func() {
		n := 0
		defer func() { edited <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
				file := filepath.Join(f.scripts, "hello.lua")
				if os.WriteFile(file+"~", []byte(greeting(fmt.Sprint(n))), 0o644) != nil || os.Rename(file+"~", file) != nil {
					return
				}
			}
		}
	}()
	const events = 150
	for range events {
		if code, answer := f.post("/in/hello", `{}`); code != 200 {
			t.Errorf("got %d %s", code, answer)
		}
	}
	close(stop)
	n := <-edited
	f.settle()
	runs := f.runs()
	versions := map[string]bool{}
	for _, one := range runs {
		versions[one.Run.Bound] = true
		if one.Run.State != journal.Succeeded || len(one.Steps) != 1 {
			t.Errorf("run %s is %s with %d steps: %v", one.Run.ID, one.Run.State, len(one.Steps), one.Run.Problem)
		}
	}
	if len(runs) != events {
		t.Errorf("%d events made %d runs", events, len(runs))
	}
	t.Logf("%d edits, %d versions ran", n, len(versions))
}
