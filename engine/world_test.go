package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/scripts"
)

// patience is how long a fact may be waited for, on the slowest machine.
const patience = 2 * time.Minute

// secret signs the webhooks of the sandbox's apps that sign with a secret.
const secret = "webhook-secret"

// world is an engine with the apps in memory and a scripts folder to edit.
type world struct {
	t       testing.TB
	apps    *sandbox.Sandbox
	engine  *engine.Engine
	scripts string
	data    string
	log     *book
	journal *control.Client
	mute    string // an app that sends no webhooks
	alone   bool   // nobody registered its webhooks at the vendors by hand
}

// newWorld starts the apps and an engine on these scripts, by file name.
func newWorld(t testing.TB, files map[string]string, changes ...func(*engine.Config)) *world {
	t.Helper()
	w := &world{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1}), log: newBook()}
	w.build(files, changes...)
	return w
}

func newSandbox(t testing.TB, c sandbox.Config) *sandbox.Sandbox {
	t.Helper()
	c.Apps, c.Rules = all.Apps(), all.Rules()
	apps, err := sandbox.New(c)
	must(t, err)
	must(t, apps.Start(context.WithoutCancel(t.Context()), "127.0.0.1:0"))
	t.Cleanup(func() { must(t, apps.Close()) })
	return apps
}

// build starts the engine, and ends it with the test.
func (w *world) build(files map[string]string, changes ...func(*engine.Config)) {
	w.t.Helper()
	dir := journaltest.Folder(w.t)
	w.scripts, w.data = filepath.Join(dir, "scripts"), filepath.Join(dir, "data")
	must(w.t, os.Mkdir(w.scripts, 0o755))
	for name, text := range files {
		w.write(name, text)
	}
	config := connected(places(w.apps))
	config.Scripts, config.Data, config.Log = w.scripts, w.data, slog.New(slog.NewJSONHandler(w.log, nil))
	for _, change := range changes {
		change(&config)
	}
	w.start(config)
	for _, app := range w.apps.AppNames() {
		if w.alone || app == w.mute || !w.apps.SendsWebhooks(app) {
			continue
		}
		must(w.t, w.apps.Subscribe(app, w.engine.URL()+"/hooks/"+app, secret))
	}
}

// start runs an engine until the end of the test.
func (w *world) start(config engine.Config) {
	w.t.Helper()
	var err error
	w.engine, err = engine.New(w.t.Context(), config)
	must(w.t, err)
	working, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- w.engine.Run(working) }()
	w.t.Cleanup(func() {
		w.journal.Close()
		stop()
		must(w.t, <-ended)
	})
	<-w.engine.Ready()
	w.journal, err = control.Dial(w.data)
	must(w.t, err)
}

// place is where an app is and what it is called with; it fits into JSON.
type place struct{ BaseURL, TokenURL, Account, Key string }

func places(apps *sandbox.Sandbox) map[string]place {
	all := map[string]place{}
	for _, app := range apps.AppNames() {
		all[app] = place{apps.URL(app), apps.TokenURL(app), apps.Account(app), apps.PublicKey(app)}
	}
	return all
}

// credentials are what each app of the sandbox is called with.
var credentials = map[string]map[string]string{
	"highlevel": {"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "refresh_token": sandbox.RefreshToken},
	"qonto":     {"login": "demo", "secret_key": sandbox.Token},
	"slack":     {"token": sandbox.Token},

	"teams": {"token": sandbox.Token}, "asana": {"token": sandbox.Token}, "googlecalendar": {"token": sandbox.Token},
}

// connected is the configuration of an engine that works with the sandbox.
func connected(where map[string]place) engine.Config {
	c := engine.Config{Apps: all.Apps(), Listen: "127.0.0.1:0", Grace: patience}
	for _, app := range c.Apps {
		p := where[app.Name]
		one := connection.Settings{Name: app.Name, Account: p.Account, BaseURL: p.BaseURL, TokenURL: p.TokenURL,
			Credentials: maps.Clone(credentials[app.Name]), WebhookSecret: secret}
		for _, address := range app.Auth[0].Addresses {
			one.Credentials[address] = p.BaseURL + "/workflows/invoke?sig=" + sandbox.Token
		}
		if p.Key != "" {
			one.WebhookKeys = map[string]string{"ed25519": p.Key}
		}
		c.Connections = append(c.Connections, one)
	}
	return c
}

// unlimited lets apps be called as often as the machine can.
func unlimited(c *engine.Config) {
	for i, app := range c.Apps {
		without := *app
		without.Limits = nil
		c.Apps[i] = &without
	}
}

// templates are the files of the templates by name.
func templates(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, fs.WalkDir(scripts.Templates, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(scripts.Templates, path)
		files[path] = string(text)
		return err
	}))
	return files
}

// write saves a script as an editor does: beside it, then renamed.
func (w *world) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.scripts, filepath.FromSlash(name))
	must(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(w.t, os.WriteFile(path+".tmp", []byte(text), 0o644))
	must(w.t, os.Rename(path+".tmp", path))
}

// post sends a body to the engine and gives the status and the answer.
func (w *world) post(path, body string) (int, string) {
	w.t.Helper()
	return post(w.t, w.engine.URL()+path, body, nil)
}

func post(t testing.TB, url, body string, header map[string]string) (int, string) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	must(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(answer)
}

// settle waits until every webhook is delivered and every run is finished.
func (w *world) settle() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for {
		moved, webhooks := w.log.moved(), w.apps.Webhooks()
		must(w.t, w.apps.Idle(ctx))
		live, err := w.engine.Live(ctx)
		must(w.t, err)
		if live == 0 && w.apps.Webhooks() == webhooks {
			return
		}
		if live == 0 {
			continue // a run has caused another webhook
		}
		select {
		case <-moved:
		case <-ctx.Done():
			w.t.Fatalf("%d runs did not finish in %s; the log:\n%s", live, patience, w.log)
		}
	}
}

// until waits for a fact of which the log tells when it has come.
func (w *world) until(fact func() bool) {
	w.t.Helper()
	late := time.After(patience)
	for {
		moved := w.log.moved()
		if fact() {
			return
		}
		select {
		case <-moved:
		case <-late:
			w.t.Fatalf("it did not come within %s; the log:\n%s", patience, w.log)
		}
	}
}

// runs are all runs with their steps, oldest first.
func (w *world) runs() []control.RunDetails {
	w.t.Helper()
	listed, err := w.journal.Runs(w.t.Context(), journal.RunQuery{Limit: 1000})
	must(w.t, err)
	stories := make([]control.RunDetails, len(listed))
	for i, one := range listed {
		run, steps, err := w.journal.Run(w.t.Context(), one.ID)
		must(w.t, err)
		stories[len(listed)-1-i] = control.RunDetails{Run: run, Steps: steps}
	}
	return stories
}

// book is a log that can be waited for.
type book struct {
	mu    sync.Mutex
	lines [][]byte
	next  chan struct{}
}

func newBook() *book { return &book{next: make(chan struct{})} }

func (b *book) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, bytes.Clone(line))
	close(b.next)
	b.next = make(chan struct{})
	return len(line), nil
}

// moved is closed when the next line is written.
func (b *book) moved() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(bytes.Join(b.lines, nil))
}

// mark is a place in the log from which later lines are looked at.
func (b *book) mark() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lines)
}

// await waits for a line after the mark and gives it.
func (b *book) await(t testing.TB, mark int, pattern string) map[string]any {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	late := time.After(patience)
	for {
		b.mu.Lock()
		next := b.next
		for _, line := range b.lines[min(mark, len(b.lines)):] {
			if wanted.Match(line) {
				b.mu.Unlock()
				var fields map[string]any
				must(t, json.Unmarshal(line, &fields))
				return fields
			}
		}
		b.mu.Unlock()
		select {
		case <-next:
		case <-late:
			t.Fatalf("the log has no line like %s; it has\n%s", pattern, b)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
