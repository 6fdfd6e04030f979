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

// greeting is a script that keeps a word in its state, so that a run shows
// which text of it was executed.
func greeting(word string) string {
	return fmt.Sprintf(`on("in:/hello", { verify = "none" }, function(event)
  state.put("word", %q)
end)
`, word)
}

// said is the word that the newest run kept.
func (w *world) said() string {
	w.t.Helper()
	w.settle()
	runs := w.runs()
	last := runs[len(runs)-1]
	if last.Run.State != journal.Succeeded || len(last.Steps) != 1 {
		w.t.Fatalf("the newest run is %s with %d steps", last.Run.State, len(last.Steps))
	}
	return string(last.Steps[0].Args)
}

// hello posts an event and tells what the answer is and, if it was taken, what
// the run kept.
func (w *world) hello(want string) {
	w.t.Helper()
	code, answer := w.post("/in/hello", `{}`)
	if want == "" {
		if code != 404 {
			w.t.Errorf("got %d %s, want 404: nothing listens", code, answer)
		}
		return
	}
	if code != 200 {
		w.t.Fatalf("got %d %s, want 200", code, answer)
	}
	if said := w.said(); !strings.Contains(said, `"`+want+`"`) {
		w.t.Errorf("the run did %s, want the word %q", said, want)
	}
}

// TestEdited shows what an author sees who works on scripts while the engine
// runs: what is saved is live for the next event, what is wrong leaves the old
// version live and is said with its line, what is deleted is gone.
func TestEdited(t *testing.T) {
	w := newWorld(t, map[string]string{"hello.lua": greeting("one")})
	change := func(pattern string, edit func()) map[string]any {
		t.Helper()
		mark := w.log.mark()
		edit()
		return w.log.await(t, mark, pattern)
	}
	w.hello("one")

	change(`"script loaded","script":"hello"`, func() { w.write("hello.lua", greeting("two")) })
	w.hello("two")

	line := change(`"script":"hello"`, func() { w.write("hello.lua", greeting("three")+"\nif") })
	if line["msg"] != "script not loaded; its last version stays live" || !strings.Contains(fmt.Sprint(line["error"]), "hello.lua:5: the file ends, and 'if' of line 5 has no 'end'") {
		t.Errorf("the log said %v", line)
	}
	w.hello("two")
	if status, err := w.journal.Status(t.Context()); err != nil || len(status.Scripts) != 1 ||
		!strings.Contains(status.Scripts[0].Problem, "hello.lua:5: ") || len(status.Scripts[0].Hooks) != 1 {
		t.Errorf("the status is %+v, %v", status.Scripts, err)
	}

	change(`"script loaded","script":"hello"`, func() { w.write("hello.lua", greeting("four")) })
	w.hello("four")

	change(`"script loaded","script":"other"`, func() {
		w.write("other/main.lua", `local words = require "other.words"
on("in:/other", { verify = "none" }, function(event) state.put("word", words.first) end)`)
		w.write("other/words.lua", `return { first = "five" }`)
	})
	if code, answer := w.post("/in/other", `{}`); code != 200 {
		t.Errorf("a script that was added: got %d %s", code, answer)
	}
	if said := w.said(); !strings.Contains(said, "five") {
		t.Errorf("the run did %s", said)
	}

	change(`"script removed","script":"hello"`, func() { must(t, os.Remove(filepath.Join(w.scripts, "hello.lua"))) })
	w.hello("")

	change(`"script loaded","script":"hello"`, func() { w.write("hello.lua", greeting("six")) })
	w.hello("six")
}

// TestHeldToItsLimits shows that a script that would run forever is ended with
// its limit named, that others go on meanwhile, and that run.failed hears it.
func TestHeldToItsLimits(t *testing.T) {
	w := newWorld(t, map[string]string{
		"endless.lua": `on("in:/endless", { verify = "none" }, function() while true do end end)`,
		"hello.lua":   greeting("on"),
		"watch.lua": `on("run.failed", function(event)
  state.put("failure", { script = event.data.script, limit = event.data.error.limit })
end)`,
	})
	if code, answer := w.post("/in/endless", `{}`); code != 200 {
		t.Fatalf("got %d %s", code, answer)
	}
	if code, answer := w.post("/in/hello", `{}`); code != 200 {
		t.Fatalf("got %d %s", code, answer)
	}
	w.settle()
	for _, one := range w.runs() {
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
				t.Errorf("run.failed told %s", args)
			}
		}
	}
	if len(w.runs()) != 3 {
		t.Errorf("found %d runs, want 3", len(w.runs()))
	}
}

// TestNoEventIsLostToAnEdit posts without pause while a script is saved again
// and again: every event is taken, and each run does what one of the texts
// says.
func TestNoEventIsLostToAnEdit(t *testing.T) {
	w := newWorld(t, map[string]string{"hello.lua": greeting("0")}, func(c *engine.Config) { unlimited(c) })
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
				file := filepath.Join(w.scripts, "hello.lua")
				if os.WriteFile(file+"~", []byte(greeting(fmt.Sprint(n))), 0o644) != nil || os.Rename(file+"~", file) != nil {
					return
				}
			}
		}
	}()
	const events = 150
	for range events {
		if code, answer := w.post("/in/hello", `{}`); code != 200 {
			t.Errorf("got %d %s", code, answer)
		}
	}
	close(stop)
	n := <-edited
	w.settle()
	runs := w.runs()
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
