package engine_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
)

// findings are texts that must not contain a secret, by where they were found.
type findings map[string][]byte

func (f findings) add(t *testing.T, where string, v any, err error) {
	t.Helper()
	must(t, err)
	text, err := json.Marshal(v)
	must(t, err)
	f[where] = text
}

// TestNoSecretLeaks runs an engine with known secrets in its configuration until
// runs succeed and fail, asks it by all commands, and crashes it. Then it searches
// for the secrets in logs, errors, the journal, a backup, pages, the control API,
// the recorded requests to the apps, and the goroutine dump.
func TestNoSecretLeaks(t *testing.T) {
	apps := newSandbox(t, sandbox.Config{})
	dir := folder(t, map[string]string{"scripts/all.lua": `
local highlevel, qonto, slack = require "highlevel", require "qonto", require "slack"
on("in:/work", { verify = "none" }, function(event)
  highlevel.contacts.upsert { email = "ada@example.com" }
  local clients = qonto.clients.list {}
  slack.chat.post_message { channel = "C0GENERAL01", text = "clients " .. #clients.clients }
  log.info("done", { clients = clients })
  local ask = approval { title = "Go on?" }
  log.info("ask", { url = ask.url })
  wait_for(ask)
end)
on("in:/fail", { verify = "none" }, function(event)
  local _, err = try(slack.chat.post_message, { channel = "C-NOT-THERE", text = "x" })
  error(tostring(err))
end)
on("in:/broken", { verify = "none" }, function(event) highlevel.contacts.upsert { email = "ben@example.com" } end)
`})
	data, logs := filepath.Join(dir, "data"), filepath.Join(dir, "engine.log")
	var dump bytes.Buffer
	p := spawnTo(t, &dump, childConfig{Scripts: filepath.Join(dir, "scripts"), Data: data, Addresses: appAddresses(apps), Log: logs})
	client, err := control.Dial(data)
	must(t, err)
	defer client.Close()
	found := findings{}
	send := func(path, body string) {
		t.Helper()
		header := map[string]string{"Authorization": "Bearer " + secret, "Cookie": "session=" + secret, "X-Api-Key": secret}
		if strings.HasPrefix(path, "/hooks/") {
			header["X-Slack-Signature"] = "v0=" + secret
		}
		status, answer := post(t, p.url+path, body, header)
		found["answer to "+path] = fmt.Appendf(nil, "%d %s", status, answer)
	}
	settled := func(state journal.State, n int) {
		t.Helper()
		for timeout := time.Now().Add(maxWait); ; <-time.After(20 * time.Millisecond) {
			runs, err := client.Runs(t.Context(), journal.RunQuery{State: state, Limit: 10})
			must(t, err)
			switch {
			case len(runs) >= n:
				return
			case time.Now().After(timeout):
				t.Fatalf("%d runs are %s after %s, want %d", len(runs), state, maxWait, n)
			}
		}
	}
	send("/in/work", `{}`)
	settled(journal.Waiting, 1)
	send("/in/fail", `{}`)
	settled(journal.Failed, 1)
	send("/hooks/slack", `{"type":"event_callback"}`)
	send("/hooks/nobody", `{}`)
	must(t, apps.Revoke("highlevel"))
	send("/in/broken", `{}`)
	settled(journal.Blocked, 1)

	tokens := vaultTokens(t, data)
	if len(tokens) < 2 {
		t.Fatalf("the vault has %d tokens; the test shows nothing", len(tokens))
	}
	readEverything(t, found, client, p.url)
	backup := filepath.Join(dir, "backup.db")
	_, err = client.Backup(t.Context(), control.BackupOptions{File: backup, WithoutKey: true})
	must(t, err)
	found["the content of the backup"] = unzipped(t, backup)
	for _, r := range apps.Requests("") {
		found.add(t, "what "+r.App+" was asked: "+r.Operation, r, nil)
	}
	must(t, p.command.Process.Signal(syscall.SIGQUIT)) // the runtime dumps every goroutine
	p.read.Wait()
	_ = p.command.Wait()
	found["the dump of the crash"] = dump.Bytes()
	if !strings.Contains(dump.String(), "goroutine ") {
		t.Fatalf("there is no dump: %s", &dump)
	}
	key := readFiles(t, found, dir)

	secrets := append(tokens, key, sandbox.Token, sandbox.ClientSecret, sandbox.RefreshToken, secret)
	for where, text := range found {
		for _, one := range secrets {
			if bytes.Contains(text, []byte(one)) {
				t.Errorf("%s shows %.8s…", where, one)
			}
		}
	}
	if len(found) < 20 {
		t.Errorf("searched %d places only", len(found))
	}
}

// unzipped returns the content of a file that is compressed with gzip.
func unzipped(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	must(t, err)
	content, err := io.ReadAll(z)
	must(t, err)
	if !bytes.Contains(content, []byte("SQLite format 3")) {
		t.Fatal("the backup has no journal")
	}
	return content
}

// vaultTokens returns the tokens in the vault.
func vaultTokens(t *testing.T, data string) []string {
	t.Helper()
	v, err := connection.OpenVault(connection.VaultConfig{Folder: data})
	must(t, err)
	names, err := v.Names()
	must(t, err)
	var tokens []string
	for _, name := range names {
		entry, err := v.Load(name)
		must(t, err)
		for _, token := range []string{entry.Token.Access, entry.Token.Refresh} {
			if token != "" {
				tokens = append(tokens, token)
			}
		}
	}
	return tokens
}

// readEverything adds the answers to all commands, and pages.
func readEverything(t *testing.T, found findings, client *control.Client, url string) {
	t.Helper()
	ctx := t.Context()
	status, err := client.Status(ctx)
	found.add(t, "status", status, err)
	all, err := client.Connections(ctx)
	found.add(t, "connections", all, err)
	for _, one := range all {
		tested, err := client.TestConnection(ctx, one.Name)
		found.add(t, "test of "+one.Name, tested, err)
	}
	runs, err := client.Runs(ctx, journal.RunQuery{Limit: 100})
	found.add(t, "runs", runs, err)
	for _, one := range runs {
		run, steps, err := client.Run(ctx, one.ID)
		found.add(t, "run "+one.ID, control.RunDetails{Run: run, Steps: steps}, err)
	}
	events, err := client.Events(ctx, journal.EventQuery{Limit: 100})
	found.add(t, "events", events, err)
	doctor, err := client.Doctor(ctx)
	found.add(t, "doctor", doctor, err)
	approvals, err := client.Approvals(ctx)
	found.add(t, "approvals", approvals, err)
	pages := []string{"/", "/healthz", "/hooks/slack", "/approve/nothing"}
	for _, path := range pages {
		answer, err := http.Get(url + path)
		must(t, err)
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		must(t, err)
		found["page "+path] = text
	}
}

// readFiles adds the files of a folder, except the vault's key, which it returns.
func readFiles(t *testing.T, found findings, dir string) (key string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Base(path) != "key" || filepath.Base(filepath.Dir(path)) != "vault" {
			found[path] = text
			return nil
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "AGE-SECRET-KEY-") {
				key = strings.TrimSpace(line)
			}
		}
		return nil
	}))
	if key == "" {
		t.Fatal("the vault has no key")
	}
	return key
}

// TestEmptySecretAtTheStart: an engine does not start with a secret without a value.
func TestEmptySecretAtTheStart(t *testing.T) {
	for _, value := range []string{"", " \n"} {
		e, err := engine.New(t.Context(), engine.Config{Data: t.TempDir(), Scripts: t.TempDir(), Listen: "127.0.0.1:0", Secrets: map[string]string{"orders": value}})
		if err == nil {
			e.Close()
		}
		if err == nil || !strings.Contains(err.Error(), "secrets.orders is empty") {
			t.Errorf("secret %q: got %v", value, err)
		}
	}
}
