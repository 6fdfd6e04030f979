package engine_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/filelock"
	"github.com/tidewire/tidewire/engine/journal"
)

// diagnoseFiles are an installation whose script calls a shop that does not answer.
var diagnoseFiles = map[string]string{
	"tidewire.yaml": `
connections:
  shop:
    token: ${SHOP_TOKEN}
    webhook_secret: ${SHOP_SECRET}
    account: shop-1
    base_url: http://127.0.0.1:1
`,
	"scripts/orders.lua": `
local shop = require "shop"
on("shop.order.created", function(event) shop.orders.pay { tag = event.data.id } end)
on("shop.order.confirmed", function() wait "1h" end)`,
}

// crashedInstallation returns a folder whose engine was killed, with a run that is
// held and one that waits.
func crashedInstallation(t *testing.T) string {
	t.Helper()
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer shop.Close()
	dir := folder(t, diagnoseFiles)
	p := spawn(t, childConfig{Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"), Shop: shop.URL})
	client, err := control.Dial(filepath.Join(dir, "data"))
	must(t, err)
	defer client.Close()
	for _, one := range []struct {
		kind string
		then journal.State
	}{{"shop.order.created", journal.Held}, {"shop.order.confirmed", journal.Waiting}} {
		_, err = client.Send(t.Context(), control.Message{Type: one.kind, Data: []byte(`{"id":"o1","customer":"c1"}`)})
		must(t, err)
		awaitCondition(t, "a run that is "+string(one.then), func() bool {
			counts, err := client.Counts(t.Context())
			must(t, err)
			return counts[one.then] == 1
		})
	}
	awaitCondition(t, "the record of the last commit in the lock file", func() bool {
		info, err := os.Stat(filepath.Join(dir, "data", "lock"))
		must(t, err)
		return time.Since(info.ModTime()) > 50*time.Millisecond
	})
	p.kill()
	return dir
}

// diagnosed is a finding that a test expects: its kind, and a part of its texts.
type diagnosed struct{ kind, part string }

// TestDiagnose examines an installation whose engine does not run or cannot start. The
// findings have what is wrong, and the folder does not change.
func TestDiagnose(t *testing.T) {
	undecided := diagnosed{"held", "tidewire runs decide"}
	crashed := diagnosed{"engine", "ended without closing the journal; 1 run is held"}
	path := func(dir, name string) string { return filepath.Join(dir, "data", name) }
	change := func(name string, do func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			text, err := os.ReadFile(filepath.Join(dir, name))
			must(t, err)
			must(t, os.WriteFile(filepath.Join(dir, name), do(text), 0o600))
		}
	}
	query := func(text string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			db, err := sql.Open("sqlite", path(dir, "tidewire.db"))
			must(t, err)
			_, err = db.Exec(text)
			must(t, err)
			must(t, db.Close())
		}
	}
	closed := func(t *testing.T, dir string) { // the engine is started and stopped again
		e, err := engine.New(t.Context(), childEngineConfig(dir))
		must(t, err)
		must(t, e.Close())
	}
	const db, wal = "data/tidewire.db", "data/tidewire.db-wal"
	for name, c := range map[string]struct {
		before []func(*testing.T, string)
		want   []diagnosed
	}{
		"crashed":   {want: []diagnosed{crashed, undecided}},
		"closed":    {before: []func(*testing.T, string){closed}, want: []diagnosed{{"engine", "no engine runs on the data folder"}, undecided}},
		"never run": {before: []func(*testing.T, string){func(t *testing.T, dir string) { must(t, os.RemoveAll(path(dir, ""))) }}, want: []diagnosed{{"folder", "it does not exist"}}},
		"empty folder": {before: []func(*testing.T, string){func(t *testing.T, dir string) {
			must(t, os.RemoveAll(path(dir, "")))
			must(t, os.Mkdir(path(dir, ""), 0o700))
		}}, want: []diagnosed{{"engine", "no engine runs"}}},
		"configuration is not YAML": {before: []func(*testing.T, string){change("tidewire.yaml", func([]byte) []byte { return []byte("connections: [") })},
			want: []diagnosed{{"configuration", "tidewire.yaml"}, crashed, undecided}},
		"a setting is wrong": {before: []func(*testing.T, string){change("tidewire.yaml", func(text []byte) []byte { return append(text, "\nlisten_to: 1\n"...) })},
			want: []diagnosed{crashed, {"configuration", "listen_to"}, undecided}},
		"newer journal":  {before: []func(*testing.T, string){query(`PRAGMA user_version = 99`)}, want: []diagnosed{{"engine", "no engine"}, {"journal", "start the newer Tidewire"}}},
		"older journal":  {before: []func(*testing.T, string){query(`PRAGMA user_version = 3`)}, want: []diagnosed{{"engine", "no engine"}, {"journal", "tidewire run, which copies it first"}}},
		"database empty": {before: []func(*testing.T, string){change(db, func([]byte) []byte { return nil })}, want: []diagnosed{{"engine", "ended without"}, {"journal", "is empty, and was in use"}}},
		"database gone":  {before: []func(*testing.T, string){func(t *testing.T, dir string) { must(t, os.Remove(filepath.Join(dir, db))) }}, want: []diagnosed{{"engine", "ended without"}, {"journal", "is gone, and was in use"}}},
		"no database": {before: []func(*testing.T, string){change(db, func(text []byte) []byte { return []byte(strings.Repeat("no database ", 1000)) }), func(t *testing.T, dir string) {
			must(t, os.Remove(filepath.Join(dir, wal)))
			later := time.Now().Add(time.Minute)
			must(t, os.Chtimes(filepath.Join(dir, db), later, later)) // than the last commit
		}}, want: []diagnosed{{"engine", "no engine"}, {"journal", "sqlite3 tidewire.db .recover"}}},
		"damaged page":    {before: []func(*testing.T, string){closed, damageTable}, want: []diagnosed{{"engine", "no engine"}, {"journal", "tidewire.db is damaged: "}, undecided}},
		"log cut":         {before: []func(*testing.T, string){change(wal, func(text []byte) []byte { return text[:len(text)-5000] })}, want: []diagnosed{{"engine", "ended without closing the journal"}, {"journal", "the write-ahead log is cut"}, undecided}},
		"log copied":      {before: []func(*testing.T, string){change(wal, func(text []byte) []byte { return text[:len(text)-5000] }), closed}, want: []diagnosed{{"engine", "no engine runs"}, {"journal", "copied to"}, undecided}},
		"locked":          {before: []func(*testing.T, string){lockData}, want: []diagnosed{{"engine", fmt.Sprintf("process %d has locked the data folder", os.Getpid())}, undecided}},
		"locked far away": {before: []func(*testing.T, string){lockData, change("data/lock", func(text []byte) []byte { copy(text, "999999999    "); return text })}, want: []diagnosed{{"engine", "locked by a process that does not run here"}, undecided}},
		"vault key gone": {before: []func(*testing.T, string){func(t *testing.T, dir string) {
			saveEntry(t, path(dir, ""))
			must(t, os.Remove(path(dir, "vault/key")))
		}}, want: []diagnosed{crashed, {"vault", "the vault's key in"}, undecided}},
		"rotation of the key cut off": {before: []func(*testing.T, string){func(t *testing.T, dir string) {
			saveEntry(t, path(dir, ""))
			must(t, os.WriteFile(path(dir, "vault/rotating"), []byte("age1another\n"), 0o600))
		}}, want: []diagnosed{crashed, undecided}},
		"script with an error": {before: []func(*testing.T, string){change("scripts/orders.lua", func([]byte) []byte { return []byte("on(") })}, want: []diagnosed{crashed, {"script", "orders was not loaded"}, undecided}},
		"no scripts folder":    {before: []func(*testing.T, string){func(t *testing.T, dir string) { must(t, os.RemoveAll(filepath.Join(dir, "scripts"))) }}, want: []diagnosed{crashed, {"script", "does not exist"}, undecided}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := crashedInstallation(t)
			for _, do := range c.before {
				do(t, dir)
			}
			before := filesOf(t, dir)
			found := engine.Diagnose(t.Context(), config.Sources{Dir: dir, Environ: []string{"SHOP_TOKEN=t", "SHOP_SECRET=s"}}, []*bindings.App{newShopApp()})
			var kinds []string
			for _, f := range found {
				kinds = append(kinds, f.Kind)
				t.Log(f.Kind, "|", f.Text, "|", f.Do)
			}
			var want []string
			for _, w := range c.want {
				want = append(want, w.kind)
				if !slices.ContainsFunc(found, func(f control.Finding) bool {
					return f.Kind == w.kind && strings.Contains(f.Text+" "+f.Do, w.part) && f.Do != ""
				}) {
					t.Errorf("there is no finding %s with %q", w.kind, w.part)
				}
			}
			if slices.Sort(kinds); !slices.Equal(kinds, slices.Sorted(slices.Values(want))) {
				t.Errorf("found %q, expected %q", kinds, want)
			}
			if after := filesOf(t, dir); !slices.Equal(before, after) {
				t.Errorf("the folder was changed:\n%s\nwas\n%s", strings.Join(after, "\n"), strings.Join(before, "\n"))
			}
		})
	}
}

// damageTable overwrites the page of a table that is not read.
func damageTable(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, "data", "tidewire.db")
	db, err := sql.Open("sqlite", name)
	must(t, err)
	defer db.Close()
	var page int
	must(t, db.QueryRow(`SELECT rootpage FROM sqlite_master WHERE name = 'link'`).Scan(&page))
	text, err := os.ReadFile(name)
	must(t, err)
	for i := range 200 {
		text[(page-1)*4096+i] = 0xff
	}
	must(t, os.WriteFile(name, text, 0o600))
}

// lockData locks the data folder as an engine does that answers nothing.
func lockData(t *testing.T, dir string) {
	t.Helper()
	lock, err := filelock.Acquire(filepath.Join(dir, "data", "lock"))
	must(t, err)
	t.Cleanup(func() { must(t, lock.Close()) })
}

// childEngineConfig is the configuration of an engine on an installation.
func childEngineConfig(dir string) engine.Config {
	c := atShop("http://127.0.0.1:1")
	c.Scripts, c.Data = filepath.Join(dir, "scripts"), filepath.Join(dir, "data")
	return c
}

// saveEntry stores an entry in the vault of a data folder.
func saveEntry(t *testing.T, data string) {
	t.Helper()
	v, err := connection.OpenVault(connection.VaultConfig{Folder: data})
	must(t, err)
	must(t, v.Save(t.Context(), connection.Entry{Connection: "shop"}))
}

// filesOf returns the names and hashes of all files below a folder, without the
// wal-index, which has no data.
func filesOf(t *testing.T, dir string) (all []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Type()&fs.ModeSocket != 0 || strings.HasSuffix(path, "-shm") {
			return err
		}
		text, err := os.ReadFile(path)
		sum := sha256.Sum256(text)
		all = append(all, path+" "+hex.EncodeToString(sum[:8]))
		return err
	}))
	return all
}
