package script_test

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// TestLiveVersionAtStart changes the files while no engine runs: a script that
// cannot be loaded stays live in its stored version.
func TestLiveVersionAtStart(t *testing.T) {
	inbound := func(name, verify string) string {
		return `on("in:/orders", { name = "` + name + `", verify = ` + verify + ` }, function() end)`
	}
	for name, test := range map[string]struct {
		files    []string        // in the folder at first
		change   func(f *folder) // while no engine runs
		config   script.Config   // of the second start
		want     string          // hooks after it
		problem  string          // part of a problem, empty for none
		unloaded string
	}{
		"nothing changed":        {files: []string{"a.lua", hook("one")}, change: func(*folder) {}, want: "a:one"},
		"an edit that loads":     {files: []string{"a.lua", hook("one")}, change: func(f *folder) { f.write("a.lua", hook("two")) }, want: "a:two"},
		"a syntax error":         {files: []string{"a.lua", hook("one")}, change: func(f *folder) { f.write("a.lua", "on(") }, want: "a:one", problem: "a.lua:1"},
		"an unknown trigger":     {files: []string{"a.lua", hook("one")}, change: func(f *folder) { f.write("a.lua", `on("shop.order.craeted", function() end)`) }, want: "a:one", problem: "craeted"},
		"an empty file":          {files: []string{"a.lua", "on("}, change: func(f *folder) { f.write("a.lua", "on((") }, want: "", problem: "a.lua:1", unloaded: "a"},
		"no version, then right": {files: []string{"a.lua", "on("}, change: func(f *folder) { f.write("a.lua", hook("one")) }, want: "a:one"},
		"the file is gone":       {files: []string{"a.lua", hook("one"), "b.lua", hook("b")}, change: func(f *folder) { f.remove("a.lua") }, want: "b:b"},
		"a link without a target": {files: []string{"a.lua", hook("one")}, change: func(f *folder) {
			f.remove("a.lua")
			f.must(os.Symlink("nowhere.lua", f.path("a.lua")))
		}, want: "a:one", problem: "a.lua: expected a file, found a link without a target"},
		"a link without a target, and no version": {files: []string{"b.lua", hook("one")}, change: func(f *folder) {
			f.remove("b.lua")
			f.must(os.Symlink("nowhere.lua", f.path("a.lua")))
		}, want: "", problem: "a.lua: expected a file, found a link without a target", unloaded: "a"},
		"a main file is a link without a target": {files: []string{"a/main.lua", hook("one"), "a/x.lua", hook("x")}, change: func(f *folder) {
			f.remove("a/main.lua")
			f.must(os.Symlink("nowhere.lua", f.path("a/main.lua")))
		}, want: "a:one", problem: "a/main.lua: expected a file, found a link without a target"},
		"the folder is a link without a target": {files: []string{"a/main.lua", hook("one")}, change: func(f *folder) {
			f.must(os.RemoveAll(f.path("a")))
			f.must(os.Symlink("nowhere", f.path("a")))
		}, want: "a:one", problem: "a: cannot be read: a link without a target"},
		"a folder with the name of the file": {files: []string{"a.lua", hook("one")}, change: func(f *folder) {
			f.remove("a.lua")
			f.must(os.Mkdir(f.path("a.lua"), 0o700))
		}, want: "a:one", problem: "a.lua: expected a file, found a folder"},
		"a socket with the name of the file": {files: []string{"a.lua", hook("one")}, change: func(f *folder) {
			f.remove("a.lua")
			listener, err := net.Listen("unix", f.path("a.lua"))
			f.must(err)
			t.Cleanup(func() { listener.Close() })
		}, want: "a:one", problem: "a.lua: expected a file, found something that is no regular file"},
		"a required file is gone": {files: []string{"a.lua", `require "lib/x"` + "\n" + hook("one"), "lib/x.lua", "return {}"}, change: func(f *folder) { f.remove("lib/x.lua") }, want: "a:one", problem: "lib/x"},
		"a template is wrong":     {files: []string{"a/main.lua", hook("one"), "a/template.yaml", "title: A\n"}, change: func(f *folder) { f.write("a/template.yaml", "title: [\n") }, want: "a:one", problem: "template.yaml"},
		"a required param is new": {files: []string{"a/main.lua", hook("one")}, change: func(f *folder) {
			f.write("a/template.yaml", "title: A\nparams:\n  x: { type: string, required: true }\n")
		}, want: "a:one", problem: "x"},
		"a connection is gone":     {files: []string{"a.lua", `on("shop.order.created", { name = "one", connection = "shop/paris" }, function() end)`}, change: func(*folder) {}, config: script.Config{Connections: func(string) bool { return false }}, want: "a:one", problem: "shop/paris"},
		"two files of one name":    {files: []string{"a.lua", hook("one")}, change: func(f *folder) { f.write("a/main.lua", hook("two")) }, want: "a:one", problem: "both the script"},
		"not UTF-8":                {files: []string{"a.lua", hook("one")}, change: func(f *folder) { f.write("a.lua", "\xff") }, want: "a:one", problem: "UTF-8"},
		"an edit makes a conflict": {files: []string{"a.lua", hook("one"), "b.lua", inbound("b", `"none"`)}, change: func(f *folder) { f.write("a.lua", inbound("a", `{ scheme = "bearer", secret = secret "k" }`)) }, want: "a:one b:b", problem: "takes requests differently"},
	} {
		t.Run(name, func(t *testing.T) {
			store := &versionStore{}
			f := openWith(t, script.Config{Versions: store}, test.files...)
			test.change(f)
			test.config.Dir, test.config.Versions = f.dir, store
			f = openWith(t, test.config)
			if got := hooks(f.set.Generation()); got != test.want {
				t.Errorf("hooks are %q, want %q; problems %v", got, test.want, f.set.Problems())
			}
			problems := f.set.Problems()
			if test.problem == "" && len(problems) > 0 || test.problem != "" && (len(problems) == 0 || !strings.Contains(problems[0].Error(), test.problem)) {
				t.Errorf("problems are %v, want one with %q", problems, test.problem)
			}
			for _, p := range problems {
				if p.Script != "" && p.LastVersionLive != (test.unloaded == "") {
					t.Errorf("problem %q: the last version is live: %t", p.Error(), p.LastVersionLive)
				}
			}
			if got := strings.Join(f.set.Unloaded(), " "); got != test.unloaded {
				t.Errorf("unloaded are %q, want %q", got, test.unloaded)
			}
			live, _ := store.LiveScripts(t.Context())
			for name, s := range f.set.Generation().Scripts {
				if live[name] != s.Version.Hash {
					t.Errorf("the stored live version of %q is %q, want %q", name, live[name], s.Version.Hash)
				}
			}
			if len(live) != len(f.set.Generation().Scripts) {
				t.Errorf("stored are %v, live are %d scripts", live, len(f.set.Generation().Scripts))
			}
		})
	}
}

// A script whose file is emptied goes live without hooks, and that is logged.
func TestEmptyFileIsLogged(t *testing.T) {
	f := open(t, "a.lua", hook("one"), "b.lua", "-- nothing yet")
	if text := f.log.String(); strings.Contains(text, "level=WARN") {
		t.Fatalf("logged %s", text)
	}
	f.write("a.lua", "\n")
	if _, err := f.set.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := f.log.String(); !strings.Contains(text, `level=WARN msg="the file of a script is empty: it has no hooks" script=a file=a.lua`) {
		t.Errorf("logged %s", text)
	}
}

// A folder that cannot be read hides its scripts; they stay live.
func TestLiveVersionInUnreadableFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads every folder")
	}
	store := &versionStore{}
	f := openWith(t, script.Config{Versions: store}, "sub/a.lua", hook("one"))
	sub := filepath.Join(f.dir, "sub")
	f.must(os.Chmod(sub, 0))
	defer os.Chmod(sub, 0o700)
	f = openWith(t, script.Config{Dir: f.dir, Versions: store})
	if got := hooks(f.set.Generation()); got != "sub/a:one" {
		t.Errorf("hooks are %q", got)
	}
}

// A stored version that went live before another is stored again: what counts is
// the last one, not the newest.
func TestEarlierVersionIsLiveAgain(t *testing.T) {
	store := &versionStore{}
	f := openWith(t, script.Config{Versions: store}, "a.lua", hook("one"))
	for _, name := range []string{"two", "one"} {
		f.write("a.lua", hook(name))
		if _, err := f.set.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	calls := store.calls
	if _, err := f.set.Reload(t.Context()); err != nil || store.calls != calls {
		t.Errorf("a reload without change stores versions; %v", err)
	}
	f.write("a.lua", "on(")
	f = openWith(t, script.Config{Dir: f.dir, Versions: store})
	if got := hooks(f.set.Generation()); got != "a:one" {
		t.Errorf("hooks are %q", got)
	}
	if store.calls != calls {
		t.Error("a start without change stores versions")
	}
}

// A stored version that cannot be loaded either is a problem, and remains stored.
func TestLiveVersionIsBroken(t *testing.T) {
	store := &versionStore{}
	f := openWith(t, script.Config{Versions: store}, "a.lua", hook("one"))
	for hash := range store.all {
		store.all[hash] = journal.Version{Hash: hash, Script: "a", Main: "a.lua", Sources: map[string]string{"a.lua": "on(("}}
	}
	f.write("a.lua", "on(")
	f = openWith(t, script.Config{Dir: f.dir, Versions: store})
	problems := f.set.Problems()
	if len(problems) != 2 || !strings.Contains(problems[1].Message, "its last version cannot be loaded either") {
		t.Errorf("problems are %v", problems)
	}
	if got := f.set.Unloaded(); !slices.Equal(got, []string{"a"}) || len(store.live) != 1 {
		t.Errorf("unloaded are %v, stored %v", got, store.live)
	}
}

// Unloaded names a script of the start until it is live or removed, or an hour has
// passed; never one that is saved later.
func TestUnloaded(t *testing.T) {
	manual := clock.NewManual(time.Now())
	f := openWith(t, script.Config{Clock: manual}, "a.lua", "on(", "b.lua", "on(", "c.lua", "on(")
	check := func(when, want string) {
		t.Helper()
		if got := strings.Join(f.set.Unloaded(), " "); got != want {
			t.Errorf("%s: unloaded are %q, want %q", when, got, want)
		}
	}
	reload := func() {
		t.Helper()
		if _, err := f.set.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	check("at the start", "a b c")
	f.write("a.lua", hook("one"), "d.lua", "on(")
	reload()
	check("a is right", "b c")
	f.write("a.lua", "on(")
	f.remove("b.lua")
	reload()
	check("a is wrong again, b is gone", "c")
	manual.Advance(time.Hour - 1)
	check("nearly an hour later", "c")
	manual.Advance(1)
	check("an hour later", "")
}
