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
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/scripts"
)

// maxWait is how long a condition is waited for.
var maxWait = clocktest.MaxWait

// secret signs the webhooks of the sandbox's apps that sign with a secret.
const secret = "webhook-secret"

// fixture is an engine with the sandbox and a scripts folder that tests change.
type fixture struct {
	t               testing.TB
	apps            *sandbox.Sandbox
	engine          *engine.Engine
	scripts         string
	data            string
	log             *logBuffer
	journal         *control.Client
	withoutWebhooks string // an app that sends no webhooks
	unsubscribed    bool   // no webhooks are registered at the vendors by hand
}

// newFixture starts the apps and an engine with these scripts, by file name.
func newFixture(t testing.TB, files map[string]string, changes ...func(*engine.Config)) *fixture {
	t.Helper()
	f := &fixture{t: t, apps: newSandbox(t, sandbox.Config{Seed: 1}), log: newLogBuffer()}
	f.build(files, changes...)
	return f
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

// build writes the scripts, starts the engine, which is stopped at the end of the
// test, and subscribes it to the webhooks of the apps.
func (f *fixture) build(files map[string]string, changes ...func(*engine.Config)) {
	f.t.Helper()
	dir := journaltest.Folder(f.t)
	f.scripts, f.data = filepath.Join(dir, "scripts"), filepath.Join(dir, "data")
	must(f.t, os.Mkdir(f.scripts, 0o755))
	for name, text := range files {
		f.write(name, text)
	}
	config := sandboxConfig(appAddresses(f.apps))
	config.Scripts, config.Data, config.Log = f.scripts, f.data, slog.New(slog.NewJSONHandler(f.log, nil))
	for _, change := range changes {
		change(&config)
	}
	f.start(config)
	for _, app := range f.apps.AppNames() {
		if f.unsubscribed || app == f.withoutWebhooks || !f.apps.SendsWebhooks(app) {
			continue
		}
		must(f.t, f.apps.Subscribe(app, f.engine.URL()+"/hooks/"+app, secret))
	}
}

// start runs an engine until the end of the test.
func (f *fixture) start(config engine.Config) {
	f.t.Helper()
	var err error
	f.engine, err = engine.New(f.t.Context(), config)
	must(f.t, err)
	working, stop := context.WithCancel(context.WithoutCancel(f.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- f.engine.Run(working) }()
	f.t.Cleanup(func() {
		f.journal.Close()
		stop()
		must(f.t, <-ended)
	})
	<-f.engine.Ready()
	f.journal, err = control.Dial(f.data)
	must(f.t, err)
}

// appAddress has the addresses of an app of the sandbox. It can be encoded as JSON.
type appAddress struct{ BaseURL, TokenURL, Account, Key string }

func appAddresses(apps *sandbox.Sandbox) map[string]appAddress {
	all := map[string]appAddress{}
	for _, app := range apps.AppNames() {
		all[app] = appAddress{apps.URL(app), apps.TokenURL(app), apps.Account(app), apps.PublicKey(app)}
	}
	return all
}

// credentials are those for the apps of the sandbox.
var credentials = map[string]map[string]string{
	"highlevel": {"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "refresh_token": sandbox.RefreshToken},
	"qonto":     {"login": "demo", "secret_key": sandbox.Token},
	"slack":     {"token": sandbox.Token},

	"teams": {"token": sandbox.Token}, "asana": {"token": sandbox.Token}, "googlecalendar": {"token": sandbox.Token},
}

// sandboxConfig returns the configuration of an engine that calls the sandbox.
func sandboxConfig(where map[string]appAddress) engine.Config {
	c := engine.Config{Apps: all.Apps(), Listen: "127.0.0.1:0", Grace: maxWait}
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

// unlimited removes the rate limits of all apps.
func unlimited(c *engine.Config) {
	for i, app := range c.Apps {
		without := *app
		without.Limits = nil
		c.Apps[i] = &without
	}
}

// templates returns the files of all templates, by name.
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

// write saves a script as an editor does: to another file, which it renames.
func (f *fixture) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.scripts, filepath.FromSlash(name))
	must(f.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(f.t, os.WriteFile(path+".tmp", []byte(text), 0o644))
	must(f.t, os.Rename(path+".tmp", path))
}

// post sends a body to the engine and returns the status and the answer.
func (f *fixture) post(path, body string) (int, string) {
	f.t.Helper()
	return post(f.t, f.engine.URL()+path, body, nil)
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
func (f *fixture) settle() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), maxWait)
	defer cancel()
	for {
		moved, webhooks := f.log.changed(), f.apps.Webhooks()
		must(f.t, f.apps.Idle(ctx))
		live, err := f.engine.Live(ctx)
		must(f.t, err)
		if live == 0 && f.apps.Webhooks() == webhooks {
			return
		}
		if live == 0 {
			continue // a run has caused another webhook
		}
		select {
		case <-moved:
		case <-ctx.Done():
			f.t.Fatalf("%d runs did not finish in %s; the log:\n%s", live, maxWait, f.log)
		}
	}
}

// until waits for a condition, which it checks after each line of the log.
func (f *fixture) until(condition func() bool) {
	f.t.Helper()
	timeout := time.After(maxWait)
	for {
		moved := f.log.changed()
		if condition() {
			return
		}
		select {
		case <-moved:
		case <-timeout:
			f.t.Fatalf("the condition is not true after %s; the log:\n%s", maxWait, f.log)
		}
	}
}

// runs returns all runs with their steps, oldest first.
func (f *fixture) runs() []control.RunDetails {
	f.t.Helper()
	listed, err := f.journal.Runs(f.t.Context(), journal.RunQuery{Limit: 1000})
	must(f.t, err)
	details := make([]control.RunDetails, len(listed))
	for i, one := range listed {
		run, steps, err := f.journal.Run(f.t.Context(), one.ID)
		must(f.t, err)
		details[len(listed)-1-i] = control.RunDetails{Run: run, Steps: steps}
	}
	return details
}

// logBuffer collects the lines of a log. Tests wait for lines.
type logBuffer struct {
	mu    sync.Mutex
	lines [][]byte
	next  chan struct{}
}

func newLogBuffer() *logBuffer { return &logBuffer{next: make(chan struct{})} }

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, bytes.Clone(line))
	close(l.next)
	l.next = make(chan struct{})
	return len(line), nil
}

// changed returns a channel that is closed when the next line is written.
func (l *logBuffer) changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(bytes.Join(l.lines, nil))
}

// length returns the number of lines, from which await can start.
func (l *logBuffer) length() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.lines)
}

// await waits for a line that matches the pattern, from the line with number from
// on, and returns its fields.
func (l *logBuffer) await(t testing.TB, from int, pattern string) map[string]any {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	timeout := time.After(maxWait)
	for {
		l.mu.Lock()
		next := l.next
		for _, line := range l.lines[min(from, len(l.lines)):] {
			if wanted.Match(line) {
				l.mu.Unlock()
				var fields map[string]any
				must(t, json.Unmarshal(line, &fields))
				return fields
			}
		}
		l.mu.Unlock()
		select {
		case <-next:
		case <-timeout:
			t.Fatalf("the log has no line like %s; it has\n%s", pattern, l)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
