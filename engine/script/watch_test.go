package script_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/script"
)

// TestWaysToSave saves a script in the ways in which editors and tools do. Each
// must lead to the new version, and no other than the old and the new one may be
// live at any time.
func TestWaysToSave(t *testing.T) {
	before, after := hook("one"), "-- changed\n"+hook("two")+"-- end\n"
	half := after[:len(after)/2]
	tests := []struct {
		name string
		save func(f *folder)
	}{
		{"written in place", func(f *folder) { f.write("a.lua", after) }},
		{"emptied, and written a moment later", func(f *folder) {
			f.must(os.Truncate(f.path("a.lua"), 0))
			f.scanned(3)
			f.write("a.lua", after)
		}},
		{"written in halves", func(f *folder) {
			w, err := os.OpenFile(f.path("a.lua"), os.O_WRONLY|os.O_TRUNC, 0)
			f.must(err)
			_, err = w.WriteString(half)
			f.must(err)
			f.scanned(2)
			_, err = w.WriteString(after[len(half):])
			f.must(err)
			f.must(w.Close())
		}},
		{"written beside and renamed", func(f *folder) {
			f.write("a.lua.tmp", after)
			f.rename("a.lua.tmp", "a.lua")
		}},
		{"as vim does: a probe, a backup, a new file", func(f *folder) {
			f.write(".a.lua.swp", "swap", "4913", "")
			f.must(os.Remove(f.path("4913")))
			f.rename("a.lua", "a.lua~")
			f.scanned(2)
			f.write("a.lua", after)
			f.must(os.Remove(f.path("a.lua~")))
		}},
		{"deleted and made anew", func(f *folder) {
			f.must(os.Remove(f.path("a.lua")))
			f.scanned(2)
			f.write("a.lua", after)
		}},
		{"a link swapped", func(f *folder) {
			f.write("store/.v2/a", after)
			f.must(os.Symlink("store/.v2/a", f.path("link.tmp")))
			f.rename("link.tmp", "a.lua")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			// However slow the machine is, a half-written file does not settle.
			f := openWith(t, script.Config{SettleTime: time.Hour, RemoveTime: time.Hour}, "a.lua", before, "other.lua", hook("other")).watch()
			test.save(f)
			f.until("a:two other:other")
			if got := f.versions("a.lua"); !slices.Equal(got, []string{before, after}) {
				t.Errorf("live were %q, want the old and the new only", got)
			}
			if strings.Contains(f.log.String(), "script removed") || strings.Contains(f.log.String(), "ERROR") {
				t.Errorf("the log has a state between two versions:\n%s", f.log)
			}
		})
	}
}

// scanned makes the watch scan the folder some times, by changes to the script
// "other".
func (f *folder) scanned(times int) {
	f.t.Helper()
	for range times {
		g := f.set.Generation()
		version := g.Scripts["other"].Version.Hash
		f.write("other.lua", string(readFile(f, "other.lua"))+"-- and on\n")
		late := time.After(timeout)
		for g.Scripts["other"].Version.Hash == version {
			select {
			case <-g.Replaced():
				g = f.set.Generation()
			case <-late:
				f.t.Fatal("the watch does not find a change")
			}
		}
	}
}

func readFile(f *folder, name string) []byte {
	f.t.Helper()
	text, err := os.ReadFile(f.path(name))
	f.must(err)
	return text
}

func TestWatchNewAndDeleted(t *testing.T) {
	f := open(t, "a.lua", hook("a")).watch()
	f.write("b.lua", hook("b"))
	f.until("a:a b:b")
	f.write("deep/down/here/main.lua", `require "part" `+hook("c"), "deep/down/here/part.lua", "return 1")
	f.until("a:a b:b deep/down/here:c")
	f.must(os.Remove(f.path("a.lua")))
	f.until("b:b deep/down/here:c")
	f.must(os.RemoveAll(f.path("deep")))
	f.until("b:b")
	f.rename("b.lua", "renamed.lua")
	f.until("renamed:b")
}

// TestWatchEmptyFile: an empty file is loaded if it stays empty.
func TestWatchEmptyFile(t *testing.T) {
	f := open(t, "a.lua", hook("a"), "b.lua", hook("b")).watch()
	f.must(os.Truncate(f.path("a.lua"), 0))
	f.until("b:b")
	if f.set.Generation().Scripts["a"] == nil {
		t.Error("the script is gone; want it without hooks")
	}
}

func TestWatchLastVersionOfABrokenScriptStaysLive(t *testing.T) {
	f := open(t, "a.lua", hook("one"), "b.lua", hook("b")).watch()
	f.write("a.lua", hook("two")+"\nlocal x = = 3\n")
	f.untilLogged("script not loaded; its last version stays live")
	f.want("a:one b:b")
	if !strings.Contains(f.log.String(), "a.lua:3") {
		t.Errorf("the log does not have the position:\n%s", f.log)
	}
	f.write("b.lua", hook("bb"))
	f.until("a:one b:bb")
	if n := strings.Count(f.log.String(), "not loaded"); n != 1 {
		t.Errorf("the log has it %d times:\n%s", n, f.log)
	}
	f.write("a.lua", hook("three"))
	f.until("a:three b:bb")
	f.write("a.lua", "x = = 1", "c.lua", "x = = 2")
	f.untilLogged("a.lua:1")
	f.untilLogged("c.lua:1")
	f.write("a.lua", hook("three"))
	f.untilLogged("script is right again")
	f.must(os.Remove(f.path("c.lua")))
	f.write("a.lua", hook("four"))
	f.until("a:four b:bb")
	if p := f.set.Problems(); len(p) > 0 {
		t.Errorf("problems of what is gone: %v", p)
	}
}

// TestWatchMovesOfFolders moves whole folders into, within and out of the scripts
// folder.
func TestWatchMovesOfFolders(t *testing.T) {
	f := open(t, "a.lua", hook("a")).watch()
	outside := filepath.Join(filepath.Dir(f.dir), "outside")
	f.must(os.MkdirAll(filepath.Join(outside, "sub"), 0o755))
	f.must(os.WriteFile(filepath.Join(outside, "main.lua"), []byte(`require "sub.part" `+hook("moved")), 0o644))
	f.must(os.WriteFile(filepath.Join(outside, "sub/part.lua"), []byte("return 1"), 0o644))

	f.must(os.Rename(outside, f.path("in")))
	f.until("a:a in:moved")
	f.write("in/main.lua", `require "sub.part" `+hook("edited"))
	f.until("a:a in:edited")
	version := f.set.Generation().Scripts["in"].Version.Hash
	f.write("in/sub/part.lua", "return 22")
	for g := f.set.Generation(); g.Scripts["in"].Version.Hash == version; g = f.set.Generation() {
		<-g.Replaced()
	}
	f.rename("in", "about")
	f.until("a:a about:edited")
	f.write("about/main.lua", `require "sub.part" `+hook("again"))
	f.until("a:a about:again")
	f.must(os.Rename(f.path("about"), outside))
	f.until("a:a")
	f.must(os.WriteFile(filepath.Join(outside, "main.lua"), []byte(hook("unseen")), 0o644))
	f.write("a.lua", hook("b"))
	f.until("a:b")
}

// TestWatchConfigMap lays the folder out as Kubernetes mounts a ConfigMap:
// files are links into ..data, itself a link that is swapped.
func TestWatchConfigMap(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "scripts")
	f := &folder{t: t, dir: dir}
	f.write("..1/a.lua", hook("one"), "..1/b.lua", hook("b"))
	f.must(os.Symlink("..1", f.path("..data")))
	f.must(os.Symlink("..data/a.lua", f.path("a.lua")))
	f.must(os.Symlink("..data/b.lua", f.path("b.lua")))
	f = openWith(t, script.Config{Dir: dir}).watch()
	f.want("a:one b:b")
	for _, name := range []string{"two", "three"} {
		f.write(".."+name+"/a.lua", hook(name), ".."+name+"/b.lua", hook("b"+name))
		f.must(os.Symlink(".."+name, f.path("..data_tmp")))
		f.rename("..data_tmp", "..data")
		f.until("a:" + name + " b:b" + name)
	}
	f.must(os.RemoveAll(f.path("..1")))
	for _, g := range []string{"one", "two", "three"} {
		if !slices.Contains(f.versions("a.lua"), hook(g)) {
			t.Errorf("version %s was never live", g)
		}
	}
}

// TestWatchLinkedFiles edits files in other folders that are linked to.
func TestWatchLinkedFiles(t *testing.T) {
	elsewhere := t.TempDir()
	put := func(name, text string) {
		path := filepath.Join(elsewhere, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("mine.lua", hook("one"))
	put("kit/main.lua", hook("kit"))
	f := open(t, "b.lua", hook("b"))
	f.must(os.Symlink(filepath.Join(elsewhere, "mine.lua"), f.path("a.lua")))
	f.must(os.Symlink(filepath.Join(elsewhere, "kit"), f.path("kit")))
	f.watch()
	f.until("a:one b:b kit:kit")
	put("mine.lua", hook("two"))
	f.until("a:two b:b kit:kit")
	put("kit/main.lua", hook("kit2"))
	f.until("a:two b:b kit:kit2")
	put("mine.lua.new", hook("three"))
	f.must(os.Rename(filepath.Join(elsewhere, "mine.lua.new"), filepath.Join(elsewhere, "mine.lua")))
	f.until("a:three b:b kit:kit2")
}

// TestWatchFolderItself moves the scripts folder away and back, replaces it by
// another one, and changes the target of the link that it is.
func TestWatchFolderItself(t *testing.T) {
	f := open(t, "a.lua", hook("one")).watch()
	away := f.dir + ".away"
	f.must(os.Rename(f.dir, away))
	f.untilLogged("the live scripts stay until it is back")
	f.want("a:one")
	f.must(os.Rename(away, f.dir))
	f.untilLogged("the scripts folder is back")
	f.write("a.lua", hook("two"))
	f.until("a:two")

	f.must(os.Rename(f.dir, away))
	f.write("b.lua", hook("new"))
	f.until("b:new")
	f.write("b.lua", hook("newer"))
	f.until("b:newer")

	f.must(os.Rename(f.dir, f.dir+".v2"))
	f.must(os.Symlink(away, f.dir))
	f.until("a:two")
	f.must(os.Symlink(f.dir+".v2", f.dir+".tmp"))
	f.must(os.Rename(f.dir+".tmp", f.dir))
	f.until("b:newer")
}

// TestWatchSeveralFilesAtOnce changes two files of one script together: no
// version may have one new and one old file.
func TestWatchSeveralFilesAtOnce(t *testing.T) {
	t.Parallel() // most of its time is waiting
	text := func(n string) []string {
		return []string{"a/main.lua", `local b = require "b"  -- ` + n + "\n" + hook(n), "a/b.lua", "return " + n}
	}
	// However slow the machine is, the files are written within this time.
	f := openWith(t, script.Config{Debounce: time.Second}, text("1")...).watch()
	for _, n := range []string{"2", "3", "4"} {
		f.write(text(n)...)
		f.until("a:" + n)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range f.saved {
		n := strings.TrimPrefix(v.Sources["a/b.lua"], "return ")
		if v.Sources["a/main.lua"] != text(n)[1] {
			t.Errorf("half a version was live: %q", v.Sources)
		}
	}
}

// TestWatchRequiredFileIsCreated: a script that requires a missing file is loaded
// when the file is created.
func TestWatchRequiredFileIsCreated(t *testing.T) {
	f := open(t, "a/main.lua", `require "lib.late" `+hook("a"))
	f.want("")
	f.watch()
	f.write("lib/late.lua", "return 1")
	f.until("a:a")
}

// TestWatchWithoutEvents: the folder is scanned from time to time, for file
// systems without events. Here there is no event because the file is linked to
// through a folder that is not watched.
func TestWatchWithoutEvents(t *testing.T) {
	elsewhere := t.TempDir()
	for _, v := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(elsewhere, v), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(elsewhere, v, "a.lua"), []byte(hook(v)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	current := filepath.Join(elsewhere, "current")
	if err := os.Symlink("v1", current); err != nil {
		t.Fatal(err)
	}
	f := openWith(t, script.Config{Rescan: 20 * time.Millisecond})
	f.must(os.Symlink(filepath.Join(current, "a.lua"), f.path("a.lua")))
	f.watch()
	f.until("a:v1")
	f.must(os.Symlink("v2", current+".tmp"))
	f.must(os.Rename(current+".tmp", current))
	f.until("a:v2")
}

// TestWatchWithManyOtherEvents: a change is found although another file in the
// folder is written all the time.
func TestWatchWithManyOtherEvents(t *testing.T) {
	f := open(t, "a.lua", hook("one"))
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				err := os.WriteFile(f.path("noise.log"), []byte("noise"), 0o644)
				if err == nil {
					err = os.Remove(f.path("noise.log"))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	f.watch()
	f.write("a.lua", hook("two"))
	f.until("a:two")
}
