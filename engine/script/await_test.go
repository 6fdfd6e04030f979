package script_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/script"
)

// waits is a script that waits for a trigger in the middle of a run.
func waits(trigger string) string {
	return fmt.Sprintf("on(\"emit:begin\", function()\n  wait_for(%s)\nend)", trigger)
}

// TestAwaited: an event is awaited that a live script may wait for.
func TestAwaited(t *testing.T) {
	f := open(t,
		"exact.lua", waits(`"shop.order.created"`),
		"list.lua", waits(`{ "shop.client.created", "emit:deal.*" }`),
		"folder/main.lua", `require "part"`+"\n"+hook("folder"),
		"folder/part.lua", `return function() return wait_for("in:/answers") end`,
		"none.lua", `on("shop.order.updated", print)`,
	)
	if p := f.set.Problems(); len(p) > 0 {
		t.Fatal(p)
	}
	for event, want := range map[string]bool{
		"shop.order.created": true, "shop.client.created": true, "emit:deal.won": true, "in:/answers": true,
		"shop.order.updated": false, "emit:deal": false, "emit:deal.won.twice": false, "in:/other": false, "emit:begin": false, "every": false,
	} {
		if got := f.set.Generation().Awaited(event, "shop/paris"); got != want {
			t.Errorf("%s is awaited: %v, want %v", event, got, want)
		}
	}
}

// TestUnknownAwait: an unknown trigger in a wait_for is a problem at its line.
func TestUnknownAwait(t *testing.T) {
	f := open(t, "a.lua", waits(`"shop.order.creatd"`), "b/main.lua", `require "part"`+"\n"+hook("b"),
		"b/part.lua", "\n\nreturn function() wait_for({ 'emit:x', 'shpo.order.created' }) end")
	var got []string
	for _, p := range f.set.Problems() {
		got = append(got, p.Error())
	}
	want := `a.lua:2: wait_for: unknown trigger "shop.order.creatd"; did you mean "shop.order.created"?
b/part.lua:3: wait_for: trigger "shpo.order.created": unknown app "shpo"; did you mean "shop"?`
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}

// runs has, by version, how many runs that have not ended are bound to it and
// how many it matched.
type runs map[string][2]int

func (r runs) count(_ context.Context, version string) (bound, matched int, err error) {
	if version == "" {
		return 0, 0, errors.New("no version")
	}
	n := r[version]
	return n[0], n[1], nil
}

// TestRunsOfReplacedVersions: what a replaced version waits for stays awaited
// while runs go on with it, and the reload reports these runs.
func TestRunsOfReplacedVersions(t *testing.T) {
	live := runs{}
	f := openWith(t, script.Config{CountRuns: live.count}, "a.lua", waits(`"shop.order.created"`), "b.lua", hook("b"))
	awaited := func(what string, want bool) {
		t.Helper()
		if got := f.set.Generation().Awaited("shop.order.created", "shop"); got != want {
			t.Errorf("%s: awaited is %v, want %v", what, got, want)
		}
	}
	reload := func() script.Report {
		t.Helper()
		report, err := f.set.Reload(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	first := f.set.Generation().Scripts["a"].Version
	live[first.Hash] = [2]int{3, 1}
	f.write("a.lua", hook("a"))
	report := reload()
	if len(report.Replaced) != 1 || report.Replaced[0] != (script.ReplacedVersion{Script: "a", Version: first.Hash, Runs: 3}) {
		t.Errorf("replaced are %+v", report.Replaced)
	}
	if want := "runs go on with the version they began with; tidewire runs migrate"; strings.Count(f.log.String(), want) != 1 ||
		!strings.Contains(f.log.String(), "runs=3 version="+first.Hash[:8]) {
		t.Errorf("the log does not have %q once:\n%s", want, f.log)
	}
	awaited("after the reload", true)

	live[first.Hash] = [2]int{0, 1} // a queued run that is not bound yet
	f.write("b.lua", hook("b")+" -- new")
	if report = reload(); len(report.Replaced) != 0 {
		t.Errorf("replaced are %+v", report.Replaced)
	}
	awaited("while one is queued", true)

	delete(live, first.Hash)
	awaited("until the next reload", true)
	f.write("b.lua", hook("b")+" -- newer")
	reload()
	awaited("when no run is left", false)

	// As after a restart: a run of the old version is found in the journal.
	live[first.Hash] = [2]int{1, 0}
	if err := f.set.PinAwaits(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	awaited("after a restart", true)

	b := f.set.Generation().Scripts["b"].Version.Hash
	live[b] = [2]int{2, 0}
	f.must(os.Remove(f.path("b.lua")))
	report = reload()
	if len(report.Replaced) != 1 || report.Replaced[0] != (script.ReplacedVersion{Script: "b", Version: b, Runs: 2, Removed: true}) {
		t.Errorf("replaced are %+v", report.Replaced)
	}
	awaited("after another reload", true)
}

// TestRunsThatCannotBeCounted: a version is in use as long as its runs cannot be
// counted.
func TestRunsThatCannotBeCounted(t *testing.T) {
	broken := func(context.Context, string) (int, int, error) { return 0, 0, errors.New("disk gone") }
	for name, count := range map[string]func(context.Context, string) (int, int, error){"broken": broken, "not configured": nil} {
		f := openWith(t, script.Config{CountRuns: count}, "a.lua", waits(`"shop.order.created"`))
		for i := range 3 {
			f.write("a.lua", hook(fmt.Sprintf("a%d", i)))
			if report, err := f.set.Reload(t.Context()); err != nil || len(report.Loaded) != 1 || len(report.Replaced) != 0 {
				t.Fatal(report, err)
			}
		}
		if !f.set.Generation().Awaited("shop.order.created", "shop") {
			t.Errorf("%s: an event that a run may wait for is not awaited", name)
		}
	}
}
