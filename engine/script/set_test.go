package script_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestWhatIsAScript(t *testing.T) {
	f := open(t,
		"crm.lua", hook("file"),
		"welcome/main.lua", `local greet = require "greet" `+hook("folder"),
		"welcome/greet.lua", `return {}`,
		"welcome/parts/deep.lua", `return {}`,
		"team/sales/lead/main.lua", `require "lib.format" `+hook("deep"),
		"team/sales/loose.lua", hook("loose"),
		"main.lua", hook("top"),
		"lib/format.lua", `return {}`,
		"crm_test.lua", hook("a test"),
		"welcome/main_test.lua", hook("a test"),
		".hidden.lua", hook("hidden"),
		".git/hook.lua", hook("hidden"),
		"crm.lua~", hook("a backup"),
		".#crm.lua", hook("a lock"),
		"#crm.lua#", hook("a draft"),
		".crm.lua.swp", hook("vim's"),
		"4913", hook("vim's"),
		"notes.txt", hook("not Lua"),
	)
	f.want("crm:file main:top team/sales/lead:deep team/sales/loose:loose welcome:folder")
	if p := f.set.Problems(); len(p) > 0 {
		t.Errorf("problems: %v", p)
	}
	s := f.set.Generation().Scripts["welcome"]
	if s.Version.Main != "welcome/main.lua" || len(s.Version.Sources) != 2 || s.Version.Sources["welcome/greet.lua"] != "return {}" {
		t.Errorf("version is %+v", s.Version)
	}
	if s.Position(0) != "welcome/main.lua:1" {
		t.Errorf("position is %q", s.Position(0))
	}
}

// TestProblems has the texts of problems of scripts that cannot be loaded. The
// other script is live in each case.
func TestProblems(t *testing.T) {
	tests := []struct {
		name, file, text, want string
	}{
		{"a syntax error", "bad.lua", "local x =\n", "bad.lua:"},
		{"an error at the top", "bad.lua", "\nerror('no')", "bad.lua:2: "},
		{"a file that is not there", "bad.lua", "local x\nrequire 'gone'", "bad.lua:2: "},
		{"another script's file", "bad.lua", "require 'good'", `"good.lua" belongs to another script; files that scripts share are in lib/`},
		{"not UTF-8", "bad.lua", "-- caf\xe9\n", "bad.lua:1: the byte 0xe9 is not UTF-8 text"},
		{"too large", "bad.lua", strings.Repeat("-- long\n", 200_000), "bad.lua: the file has 1600000 bytes; at most 1048576 are read"},
		{"two hooks of one name", "bad.lua", hook("a") + hook("a"), `bad.lua:2: a second hook "emit:a"; the first is at bad.lua:1`},
		{"a folder and a file", "good/main.lua", hook("b"), `"good.lua" and "good/main.lua" are both the script "good"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := open(t, "good.lua", hook("good"), "other.lua", hook("other"))
			f.write(test.file, test.text)
			report, err := f.set.Reload(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			f.want("good:good other:other")
			if len(report.Problems) != 1 || !strings.Contains(report.Problems[0].Error(), test.want) {
				t.Fatalf("problems are %q, want one with %q", report.Problems, test.want)
			}
			if _, err := f.set.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(f.log.String(), "level=ERROR"); n != 1 {
				t.Errorf("the log has it %d times:\n%s", n, f.log)
			}
		})
	}
}

// TestWarnings: a script with a line that may be a mistake is live, and the line
// is logged once.
func TestWarnings(t *testing.T) {
	f := open(t, "crm.lua", "on('emit:crm', function(event)\n  wait '3 days'\n  (event or {}).seen = true\nend)")
	f.want("crm:crm")
	_, err := f.set.Reload(t.Context())
	f.must(err)
	if n := strings.Count(f.log.String(), "crm.lua:3: this line goes on with the wait of line 2"); n != 1 {
		t.Errorf("the log has it %d times:\n%s", n, f.log)
	}
}

// TestOpenAddresses: addresses at which a stranger can do something are logged, with
// the line, and no others.
func TestOpenAddresses(t *testing.T) {
	f := open(t, "in.lua", `
on("in:/anybody", { verify = "none" }, function() end)
on("in:/plain", { verify = { scheme = "hmac", header = "X-Sig", secret = secret "a" } }, function() end)
on("in:/id", { id = "id", verify = { scheme = "hmac", header = "X-Sig", secret = secret "a" } }, function() end)
on("in:/time", { verify = { scheme = "hmac", header = "X-Sig", time_header = "X-Time", signed = "{time}.{body}", secret = secret "a" } }, function() end)
on("in:/standard", { verify = { scheme = "standard-webhooks", secret = secret "a" } }, function() end)
on("in:/token", { verify = { scheme = "bearer", secret = secret "a" } }, function() end)`)
	var got []string
	for line := range strings.Lines(f.log.String()) {
		if strings.Contains(line, "level=WARN") && strings.Contains(line, "address=") {
			_, after, _ := strings.Cut(line, "address=")
			got = append(got, strings.TrimSpace(after))
		}
	}
	if want := []string{"in:/anybody at=in.lua:2", "in:/plain at=in.lua:3"}; !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q\n%s", got, want, f.log)
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root reads everything")
	}
	f := open(t, "good.lua", hook("good"), "closed.lua", hook("closed"), "room/a.lua", hook("a"))
	f.must(os.Chmod(f.path("closed.lua"), 0))
	f.must(os.Chmod(f.path("room"), 0))
	t.Cleanup(func() { os.Chmod(f.path("room"), 0o755) })
	report, err := f.set.Reload(t.Context())
	f.must(err)
	f.want("closed:closed good:good room/a:a")
	var all []string
	for _, p := range report.Problems {
		all = append(all, p.Error())
	}
	if want := []string{"room: cannot be read: permission denied", "closed.lua: cannot be read: permission denied"}; !slices.Equal(all, want) {
		t.Errorf("problems are %q, want %q", all, want)
	}
}

func TestOddFiles(t *testing.T) {
	f := open(t, "good.lua", hook("good"))
	f.mkdir("loop/again")
	f.must(os.Symlink(f.dir, f.path("loop/again/top")))
	f.must(os.Symlink("nowhere.lua", f.path("broken.lua")))
	f.must(os.Symlink("good.lua", f.path("link.lua")))
	f.must(os.Symlink("ring.lua", f.path("ring.lua")))
	f.mkdir("folder.lua")
	f.write("folder.lua/inner.lua", hook("inner"))
	report, err := f.set.Reload(t.Context())
	f.must(err)
	f.want("folder.lua/inner:inner good:good link:good")
	var all []string
	for _, p := range report.Problems {
		all = append(all, p.Error())
	}
	want := []string{
		"loop/again/top: the link leads back to a folder that it lies in; it is passed over",
		"ring.lua: cannot be read: too many levels of symbolic links",
		"broken.lua: expected a file, found a link without a target",
	}
	if !slices.Equal(all, want) {
		t.Errorf("problems are %q, want %q", all, want)
	}
}

func TestOpenWithoutFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scripts")
	_, err := script.Open(t.Context(), script.Config{Dir: dir, Machine: vm.New(vm.Config{})})
	if err == nil || !strings.Contains(err.Error(), "does not exist; make it") {
		t.Errorf("error is %v", err)
	}
}

func TestVersion(t *testing.T) {
	f := open(t, "a/main.lua", `require "b" `+hook("x"), "a/b.lua", "return 1", "lib/c.lua", "return 1")
	hash := func() string {
		t.Helper()
		if r, err := f.set.Reload(t.Context()); err != nil || len(r.Problems) > 0 {
			t.Fatal(r, err)
		}
		return f.set.Generation().Scripts["a"].Version.Hash
	}
	first := hash()
	f.write("lib/c.lua", "return 2")
	if hash() != first {
		t.Error("a file that it does not require made another version")
	}
	f.write("a/b.lua", "return 2")
	second := hash()
	if second == first {
		t.Error("a required file made no other version")
	}
	f.write("a/template.yaml", "params: { n: { type: number, default: 1 } }")
	third := hash()
	if third == second {
		t.Error("a param made no other version")
	}
	f.write("a/template.yaml", "title: Something\nparams: { n: { type: number, default: 1 } }")
	if hash() != third {
		t.Error("the title of a template made another version")
	}
	f.write("a/b.lua", "return 1", "a/template.yaml", "{}")
	if hash() != first {
		t.Error("what was before is not the version that was before")
	}
	for _, hook := range f.set.Generation().Hooks() {
		if hook.Version != first {
			t.Errorf("the hook has version %q", hook.Version)
		}
	}
}

func TestOnlyWhatChangedIsLoaded(t *testing.T) {
	f := open(t, "a/main.lua", `require "lib.c" `+hook("a"), "b/main.lua", `require "lib.c" `+hook("b"), "c.lua", hook("c"), "lib/c.lua", "return 1")
	before := f.set.Generation()
	f.write("lib/c.lua", "return 2")
	report, err := f.set.Reload(t.Context())
	f.must(err)
	if !slices.Equal(report.Loaded, []string{"a", "b"}) {
		t.Errorf("loaded %q, want a and b", report.Loaded)
	}
	after := f.set.Generation()
	if after.Scripts["c"] != before.Scripts["c"] || after.Scripts["a"] == before.Scripts["a"] {
		t.Error("want c as it was and a anew")
	}
	f.must(os.Remove(f.path("c.lua")))
	report, err = f.set.Reload(t.Context())
	f.must(err)
	if !slices.Equal(report.Removed, []string{"c"}) {
		t.Errorf("removed %q, want c", report.Removed)
	}
	if r, err := f.set.Reload(t.Context()); err != nil || len(r.Loaded)+len(r.Removed) > 0 {
		t.Errorf("nothing changed, and yet %+v, %v", r, err)
	}
}

// TestSavedBeforeLive: a version is saved before it can match an event, as a run
// could not be resumed otherwise.
func TestSavedBeforeLive(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, "a.lua"), []byte(hook(name)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	var set *script.Set
	var full error
	saved := map[string]bool{}
	save := func(versions ...journal.Version) error {
		if full != nil {
			return full
		}
		for _, v := range versions {
			if set != nil && set.Generation().Scripts["a"].Version.Hash == v.Hash {
				t.Error("the version is live before it is saved")
			}
			saved[v.Hash] = true
		}
		return nil
	}
	set, err := script.Open(t.Context(), script.Config{Dir: dir, Machine: vm.New(vm.Config{}), Versions: &versionStore{save: save}})
	if err != nil {
		t.Fatal(err)
	}
	write("two")
	full = errors.New("disk full")
	if _, err := set.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error is %v", err)
	}
	if got := hooks(set.Generation()); got != "a:one" {
		t.Errorf("hooks are %q: a version that is not saved must not be live", got)
	}
	full = nil
	if _, err := set.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := hooks(set.Generation()); got != "a:two" || !saved[set.Generation().Scripts["a"].Version.Hash] {
		t.Errorf("hooks are %q, saved are %v", got, saved)
	}
}

func TestParams(t *testing.T) {
	const template = `
title: Welcome
params:
  channel: { type: string, required: true, description: where to post }
  days:    { type: integer, default: 3 }
  quiet:   { type: boolean }
  tags:    { type: list }
`
	tests := []struct {
		name, template, configured, want string
	}{
		{"a value and a default", template, `{"channel":"#hello"}`, `{"channel":"#hello","days":3}`},
		{"all of them", template, `{"channel":"#h","days":5,"quiet":true,"tags":["a"]}`, `{"channel":"#h","days":5,"quiet":true,"tags":["a"]}`},
		{"one is missing", template, ``, `welcome/template.yaml:4: params.channel: required; give it a value in the configuration, under params`},
		{"of the wrong type", template, `{"channel":7}`, `welcome/template.yaml:4: params.channel: found 7 in the configuration, expected a string`},
		{"not whole", template, `{"channel":"#h","days":1.5}`, `welcome/template.yaml:5: params.days: found 1.5 in the configuration, expected an integer`},
		{"unknown", template, `{"channel":"#h","chanel":"x"}`, `the configuration gives a param "chanel" that is not declared here; did you mean "channel"?`},
		{"no template takes all", "", `{"anything":[1]}`, `{"anything":[1]}`},
		{"none at all", "", ``, `{}`},
		{"a bad default", "params: { n: { type: number, default: many } }", ``, `welcome/template.yaml:1: params.n.default: found "many", expected a number`},
		{"a bad default below others", "params:\n  n:\n    type: number\n    default: many", ``, `welcome/template.yaml:4: params.n.default: found "many", expected a number`},
		{"a missing one with fields below it", "params:\n  n:\n    required: true", ``, `welcome/template.yaml:2: params.n: required; give it a value`},
		{"a bad field below others", "params:\n  n:\n    type: number\n    required: 1", ``, `welcome/template.yaml:4: params.n.required: found 1, expected true or false`},
		{"an unknown type", "params: { n: { type: strin } }", ``, `params.n.type: unknown type "strin"; did you mean "string"?`},
		{"an unknown field", "params: { n: { typ: string } }", ``, `params.n.typ: unknown field; did you mean "type"?`},
		{"not a mapping", "params: { n: 3 }", ``, `welcome/template.yaml:1: params.n: found 3, expected type, default, required or description`},
		{"not YAML", "params: [", ``, `welcome/template.yaml:1: not valid YAML: did not find expected node content`},
		{"a leading zero", "params:\n  phone:\n    default: 0612345670", ``, `welcome/template.yaml:3: params.phone.default: found 0612345670, expected a plain decimal number such as 12 or 1.5; put it in quotes`},
		{"an octal number", "params: { n: { type: number, default: 0o17 } }", ``, `welcome/template.yaml:1: params.n.default: found 0o17, expected a plain decimal number`},
		{"a time", "params: { day: { default: 2026-01-31 } }", ``, `params.day.default: found 2026-01-31, which YAML takes for a time; put it in quotes`},
		{"a number within", "params:\n  n:\n    type: map\n    default:\n      - 1\n      - big: 12345678901234567890", ``, `welcome/template.yaml:6: params.n.default.1.big: found 12345678901234567890, expected a number up to`},
		{"an integer that float64 leaves out", "params: { n: { type: integer, default: 9007199254740993 } }", ``, `params.n.default: found 9007199254740993, expected a number up to`},
		{"no number", "params: { n: { type: number, default: .inf } }", ``, `params.n.default: found .inf, expected a plain decimal number`},
		{"names are texts", "params: { 0612: { type: map, default: { 07: '07' } }, 1_0: {} }", ``, `{"0612":{"07":"07"}}`},
		{"a name twice", "params: { n: {},\n n: {} }", ``, `welcome/template.yaml:2: "n" is here a second time, after line 1; take one away`},
		{"two documents", "params: {}\n---\nparams: {}", ``, `welcome/template.yaml:2: found a second document (---), expected one`},
		{"an anchor", "params: { a: &a { type: number, default: 1.50 }, b: *a, c: { <<: *a, default: 2 } }", ``, `{"a":1.5,"b":1.5,"c":2}`},
		{"a tag", "params: { a: { default: !!binary aGk= } }", ``, `welcome/template.yaml:1: found the tag !!binary, which would change the value; take it away`},
		{"a list", "- params", ``, `welcome/template.yaml:1: found a list, expected a title, params and the like by name`},
		{"params that are none", "params: 3", ``, `welcome/template.yaml:1: params: found 3, expected params by name`},
		{"nothing", "title: x\nparams:\n", ``, `{}`},
		{"words for yes", "params: { a: { required: yes } }", ``, `params.a: required; give it a value`},
		{"no word for yes", "params: { a: { required: 1 } }", ``, `welcome/template.yaml:1: params.a.required: found 1, expected true or false`},
		{"a list for a type", "params: { a: { type: [x] } }", ``, `welcome/template.yaml:1: params.a.type: found a list, expected text`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := []string{"welcome/main.lua", hook("x")}
			if test.template != "" {
				files = append(files, "welcome/template.yaml", test.template)
			}
			c := script.Config{}
			if test.configured != "" {
				c.Params = map[string]json.RawMessage{"welcome": raw(test.configured)}
			}
			f := openWith(t, c, files...)
			if s := f.set.Generation().Scripts["welcome"]; s != nil {
				if got := string(s.Params); got != test.want {
					t.Errorf("params are %s, want %s", got, test.want)
				}
				return
			}
			if p := f.set.Problems(); len(p) != 1 || !strings.Contains(p[0].Error(), test.want) {
				t.Errorf("problems are %q, want %q", p, test.want)
			}
		})
	}
}

func TestLoadVersion(t *testing.T) {
	f := open(t, "a/main.lua", `require "b" on("shop.order.created", { name = "old", timeout = "5s" }, function() end)`, "a/b.lua", "return 1")
	live := f.set.Generation().Scripts["a"]
	if got, err := f.set.LoadVersion(t.Context(), live.Version); err != nil || got != live {
		t.Errorf("the live version: got %v, %v", got, err)
	}
	f.must(os.RemoveAll(f.path("a")))
	if _, err := f.set.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.want("")
	old, err := f.set.LoadVersion(t.Context(), live.Version)
	f.must(err)
	if i, found := old.Index("old"); !found || old.Hooks[i].Timeout != live.Hooks[0].Timeout || old.Hooks[i].Version != live.Version.Hash || old.Program == nil {
		t.Errorf("loaded: %+v", old)
	}
	if again, err := f.set.LoadVersion(t.Context(), live.Version); err != nil || again != old {
		t.Error("it was loaded a second time")
	}
	// The triggers and connections that it names may not exist any more.
	gone := live.Version
	gone.Hash = "another"
	gone.Sources = map[string]string{"a/main.lua": `on("shop.fax.received", { name = "old", connection = "shop/closed" }, function() end)`}
	if _, err := f.set.LoadVersion(t.Context(), gone); err != nil {
		t.Error(err)
	}
	gone.Hash, gone.Sources = "broken", map[string]string{}
	if _, err := f.set.LoadVersion(t.Context(), gone); err == nil || !strings.Contains(err.Error(), `version broken`) {
		t.Errorf("error is %v", err)
	}
}

// TestLoadVersionAboveTheCeiling: a run goes on in its version, with its limits cut.
func TestLoadVersionAboveTheCeiling(t *testing.T) {
	ceiling := vm.Limits{Memory: 100 << 20}
	f := openWith(t, script.Config{Limits: func(string) script.Bounds { return script.NewBounds(vm.Limits{}, ceiling) }})
	old := journal.Version{Hash: "old", Script: "a", Main: "a.lua", Sources: map[string]string{
		"a.lua": `on("emit:x", { limits = { memory = "200MB", steps = 50 } }, function() end)`}}
	s, err := f.set.LoadVersion(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	if l := s.Limits[0]; l.Memory != ceiling.Memory || l.Steps != 50 || l.Time != vm.DefaultLimits.Time {
		t.Errorf("found %+v", l)
	}
}

func TestLoadVersionCachesAFewVersions(t *testing.T) {
	f := open(t)
	version := func(n int) journal.Version {
		name := strings.Repeat("x", n)
		return journal.Version{Hash: name, Script: "a", Main: "a.lua", Sources: map[string]string{"a.lua": hook(name)}}
	}
	first, err := f.set.LoadVersion(t.Context(), version(1))
	f.must(err)
	for n := 2; n <= 65; n++ {
		if _, err := f.set.LoadVersion(t.Context(), version(n)); err != nil {
			t.Fatal(err)
		}
	}
	if again, err := f.set.LoadVersion(t.Context(), version(1)); err != nil || again == first {
		t.Errorf("the version used longest ago is still cached: %v", err)
	}
}
