package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/engine"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/scripts"
)

func demoCommand(t terminal, logs *logFlags) *cobra.Command {
	var d demo
	c := &cobra.Command{
		Use:   "demo",
		Short: "See the main job done, with nothing to set up",
		Long: `Start the apps in memory (HighLevel, Qonto, Slack, Teams) and an engine with the
example scripts, and create a client in Qonto. Its signed webhook becomes a contact, a note and a
task in HighLevel and a message in Slack. Everything is on this machine.`,
		RunE: func(c *cobra.Command, _ []string) error {
			if logs.format == "auto" && !d.json {
				logs.format = "text" // a demo is for people, also through a pipe
			}
			log, err := logs.logger(t.err)
			if err != nil {
				return err
			}
			if !c.Flags().Changed("log-level") {
				log = slog.New(demoHandler{log.Handler()})
			}
			d.terminal, d.log = t, log
			return d.run(c.Context())
		},
	}
	c.Flags().BoolVar(&d.once, "once", false, "end after the first runs; exit 0 only if all succeeded")
	c.Flags().BoolVar(&d.json, "json", false, "print one JSON line for each finished run")
	c.Flags().StringVar(&d.listen, "listen", "127.0.0.1:0", "address for webhooks")
	c.Flags().StringVar(&d.dir, "dir", "", "folder for the demo's scripts and data (default: a new one)")
	return c
}

// demo is one run of the command.
type demo struct {
	terminal
	once, json  bool
	listen, dir string
	log         *slog.Logger
	// refresh is the refresh token of the sandbox. It is a new one each time, so
	// that the engine does not use a token that the folder has from an earlier
	// demo.
	refresh string

	mu       sync.Mutex
	finished []journal.Run
	changed  chan struct{} // receives a value when a run has finished
}

const (
	demoSecret  = "demo-webhook-secret"
	demoChannel = "C0GENERAL01" // #general of the sandbox's Slack
)

func (d *demo) run(ctx context.Context) (err error) {
	d.changed = make(chan struct{}, 1)
	dir, clean, err := d.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	d.refresh = rand.Text()
	apps, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Log: d.log.With("in", "sandbox"), Refresh: d.refresh})
	if err != nil {
		return err
	}
	defer apps.Close()
	if err := apps.Start(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	e, err := engine.New(ctx, d.config(dir, apps))
	if err != nil {
		return err
	}
	working, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- e.Run(working) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	<-e.Ready()
	for _, app := range apps.AppNames() {
		if !apps.SendsWebhooks(app) {
			continue
		}
		if err := apps.Subscribe(app, e.URL()+"/hooks/"+app, demoSecret); err != nil {
			return err
		}
	}
	client, err := createClient(ctx, apps, "Ada Lovelace")
	if err != nil {
		return err
	}
	d.log.Info("a client was created in Qonto; its webhook is on the way", "client", client)
	if err := d.waitIdle(ctx, apps, e); d.once || ctx.Err() != nil {
		return err
	} else if err != nil {
		d.log.Error("the demo did not go as it should", "error", err)
	}
	d.printNextSteps(dir, apps)
	<-ctx.Done()
	return nil
}

// config connects an engine to the sandbox.
func (d *demo) config(dir string, apps *sandbox.Sandbox) engine.Config {
	settings := func(app string, credentials map[string]string) connection.Settings {
		return connection.Settings{Name: app, Account: apps.Account(app), BaseURL: apps.URL(app),
			TokenURL: apps.TokenURL(app), Credentials: credentials, WebhookSecret: demoSecret}
	}
	crm := settings("highlevel", map[string]string{
		"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "refresh_token": d.refresh,
	})
	channel := json.RawMessage(`{"channel":"` + demoChannel + `"}`)
	crm.WebhookKeys = map[string]string{"ed25519": apps.PublicKey("highlevel")}
	return engine.Config{
		Apps: all.Apps(), Listen: d.listen, Scripts: filepath.Join(dir, "scripts"), Data: filepath.Join(dir, "data"),
		Connections: []connection.Settings{
			crm,
			settings("qonto", map[string]string{"login": "demo", "secret_key": sandbox.Token}),
			settings("slack", map[string]string{"token": sandbox.Token}),
			settings("teams", map[string]string{"webhook_url": apps.URL("teams") + "/workflows/invoke?sig=" + sandbox.Token}),
		},
		Params: map[string]json.RawMessage{"qonto-client-to-highlevel": channel, "appointment-to-slack": channel, "approve-in-slack": channel, "event-to-slack": channel},
		HTTP:   engine.HTTPConfig{AllowPrivate: true}, // for answers to the sandbox's Slack
		Log:    d.log, Grace: 5 * time.Second, Finished: d.runFinished,
	}
}

// folder makes the demo's folder with the scripts of the templates. A folder
// that the demo made is removed at the end of --once.
func (d *demo) folder() (dir string, clean func() error, err error) {
	clean = func() error { return nil }
	dir = d.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tidewire-demo-"); err != nil {
			return "", clean, fmt.Errorf("make a folder for the demo: %w", err)
		}
		if d.once {
			clean = func() error { return os.RemoveAll(dir) }
		}
	}
	target := filepath.Join(dir, "scripts")
	if _, err := os.Stat(target); err == nil {
		return dir, clean, nil // of an earlier demo; the person may have changed it
	}
	return dir, clean, copyTemplates(target)
}

// omitted is a template that the demo leaves out, since it includes what
// another one does.
const omitted = "two-way-contacts"

func copyTemplates(target string) error {
	return fs.WalkDir(scripts.Templates, ".", func(path string, entry fs.DirEntry, err error) error {
		if path == omitted {
			return fs.SkipDir
		}
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(scripts.Templates, path)
		if err != nil {
			return err
		}
		file := filepath.Join(target, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return fmt.Errorf("write the demo's scripts: %w", err)
		}
		return os.WriteFile(file, text, 0o644)
	})
}

// createClient makes a client through Qonto's API. The sandbox then sends the
// webhook.
func createClient(ctx context.Context, apps *sandbox.Sandbox, name string) (string, error) {
	first, last, _ := strings.Cut(name, " ")
	body, err := json.Marshal(map[string]any{
		"kind": "individual", "first_name": first, "last_name": last, "email": strings.ToLower(first) + "@example.com",
		"currency": "EUR", "locale": "FR",
		"billing_address": map[string]string{"street_address": "12 rue de la Paix", "city": "Paris", "zip_code": "75002", "country_code": "FR"},
	})
	if err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, apps.URL("qonto")+"/clients", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "demo:"+sandbox.Token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", fmt.Errorf("create a client in the sandbox: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", fmt.Errorf("create a client in the sandbox: %w", err)
	}
	if response.StatusCode >= 300 {
		return "", fmt.Errorf("create a client in the sandbox: %s %s", response.Status, answer)
	}
	var created struct{ Client struct{ ID string } }
	if err := json.Unmarshal(answer, &created); err != nil {
		return "", fmt.Errorf("create a client in the sandbox: %w", err)
	}
	return created.Client.ID, nil
}

// runFinished counts a run and prints it with --json.
func (d *demo) runFinished(run journal.Run, steps []journal.Step) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.finished = append(d.finished, run)
	if d.json {
		if err := printRun(d.out, run, steps); err != nil {
			d.log.Error("a run could not be printed", "error", err)
		}
	}
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// printRun prints a finished run as one line of JSON.
func printRun(out io.Writer, run journal.Run, steps []journal.Step) error {
	type step struct {
		Name     string            `json:"name"`
		State    journal.StepState `json:"state"`
		Duration float64           `json:"took_ms"`
	}
	line := struct {
		Run      string           `json:"run"`
		Script   string           `json:"script"`
		Hook     string           `json:"hook"`
		Event    string           `json:"event"`
		State    journal.State    `json:"state"`
		Attempts int              `json:"attempts"`
		Error    *journal.Problem `json:"error,omitempty"`
		Steps    []step           `json:"steps"`
	}{run.ID, run.Script, run.Hook, run.Event, run.State, run.Attempts, run.Problem, make([]step, 0, len(steps))}
	for _, s := range steps {
		line.Steps = append(line.Steps, step{s.Name, s.State, float64(s.Duration.Microseconds()) / 1000})
	}
	return json.NewEncoder(out).Encode(line)
}

// waitForRuns waits until n runs have finished or ctx is done.
func (d *demo) waitForRuns(ctx context.Context, n int) {
	for {
		d.mu.Lock()
		done := len(d.finished) >= n
		d.mu.Unlock()
		if done {
			return
		}
		select {
		case <-d.changed:
		case <-ctx.Done():
			return
		}
	}
}

// waitIdle waits until the first runs, and those that their calls caused, are
// finished. It returns an error if one did not succeed.
func (d *demo) waitIdle(ctx context.Context, apps *sandbox.Sandbox, e *engine.Engine) error {
	bound, cancel := context.WithTimeout(ctx, 50*time.Second)
	defer cancel()
	d.waitForRuns(bound, 1)
	for quiet := false; !quiet; {
		before := apps.Webhooks()
		if err := apps.Idle(bound); err != nil {
			return fmt.Errorf("the sandbox's webhooks were not delivered: %w", err)
		}
		live, err := e.Live(bound)
		if err != nil {
			return fmt.Errorf("the demo's runs did not finish: %w", err)
		}
		live = max(live, e.InFlight())
		quiet = live == 0 && apps.Webhooks() == before
		if live > 0 { // a run is live, or its end is not yet reported to runFinished
			select {
			case <-d.changed:
			case <-time.After(20 * time.Millisecond):
			case <-bound.Done():
				return fmt.Errorf("%d of the demo's runs did not finish in time", live)
			}
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var problems []error
	for _, run := range d.finished {
		if run.State != journal.Succeeded && run.State != journal.Skipped {
			problems = append(problems, fmt.Errorf("run %s of %s %s: %s", run.ID, run.Script, run.State, run.Problem.Text()))
		}
	}
	if len(d.finished) == 0 {
		problems = append(problems, errors.New("no run was finished"))
	}
	return errors.Join(problems...)
}

// command returns the command line of this binary. go run puts the binary in a
// temporary folder, whose path would be of no use.
func command() string {
	if path, err := os.Executable(); err == nil && strings.Contains(path, "go-build") {
		return "go run ./cmd/tidewire"
	}
	return "tidewire"
}

func (d *demo) printNextSteps(dir string, apps *sandbox.Sandbox) {
	printf(d.err, `
What to try next (Ctrl-C ends it; the folder %[1]s stays):

  Change what happens. Edit and save; the next event runs the new code:
    %[1]s/scripts/qonto-client-to-highlevel/main.lua

  Create another client in the sandbox's Qonto:
    curl -X POST %[2]s/clients -H 'Authorization: demo:%[4]s' \
      -H 'Content-Type: application/json' -d '{"kind":"company","name":"Acme","email":"hello@acme.example"}'

  See what the sandbox's HighLevel has now:
    curl %[3]s/sandbox/records/highlevel/contacts

  Ask for something in the sandbox's Slack, and decide by a click there:
    curl %[3]s/sandbox/do/slack/command -d '{"command":"/request 120 EUR for the fair"}'
    curl %[3]s/sandbox/do/slack/click -d '{"value":"Approve"}'
    curl %[3]s/sandbox/records/slack/messages

  Look at the runs:
    %[5]s runs list --data-dir %[1]s/data

`, dir, apps.URL("qonto"), strings.TrimSuffix(apps.URL("qonto"), "/qonto"), sandbox.Token, command())
}
