package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/backup"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/doctor"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
)

// Cancel ends a live run.
func (e *Engine) Cancel(ctx context.Context, run string) error { return e.runner.Cancel(ctx, run) }

// Retry continues a failed, cancelled or parked run.
func (e *Engine) Retry(ctx context.Context, run string) error { return e.runner.Retry(ctx, run) }

// DecideCall records a person's decision about a held run.
func (e *Engine) DecideCall(ctx context.Context, run string, d journal.CallDecision) error {
	return e.runner.DecideCall(ctx, run, d)
}

// Replay starts a new run for the event of another.
func (e *Engine) Replay(ctx context.Context, run string, steps int) (string, error) {
	return e.runner.Replay(ctx, run, steps)
}

// Migrate binds a parked run to the present version of its script.
func (e *Engine) Migrate(ctx context.Context, run string) error { return e.runner.Migrate(ctx, run) }

// ReleaseFlood queues the runs of a trigger that a flood paused, or drops them.
func (e *Engine) ReleaseFlood(ctx context.Context, trigger string, drop bool) (int, error) {
	return e.store.ReleaseFlood(ctx, trigger, drop)
}

// Unpause lets a paused run go on.
func (e *Engine) Unpause(ctx context.Context, run string) error { return e.store.Unpause(ctx, run) }

// Backup writes what is in the data folder to a file.
func (e *Engine) Backup(ctx context.Context, o control.BackupOptions) (control.Backup, error) {
	return backup.Write(ctx, backup.Config{
		Data: e.config.Data, Journal: e.store, Files: e.files, Clock: e.config.Clock, Tidewire: e.config.Version,
	}, o)
}

// Doctor lists what does not recover without a person.
func (e *Engine) Doctor(ctx context.Context) ([]control.Finding, error) {
	return doctor.Examine(ctx, doctor.Engine{
		Apps: e.config.Apps, Store: e.store, Scripts: e.scripts, Connections: e.connections, Polls: e.polls, Webhooks: e.registrar, Circuits: e.calls.OpenCircuits, Clock: e.config.Clock,
		Journal: StorePath(e.config.Data), Health: e.store.Health,
	})
}

// Journal returns the events and runs of the installation, for reading.
func (e *Engine) Journal() journal.Reader { return e.store }

// Handler returns what receives webhooks and serves the pages, for a server of
// the caller; see Config.Mounted.
func (e *Engine) Handler() http.Handler { return e.ingest.Handler() }

// Connections lists the state of the connections.
func (e *Engine) Connections(context.Context) ([]connection.Status, error) {
	return e.service.List(), nil
}

// TestConnection makes one harmless call on a connection. If the connection
// works again, the runs that it blocked go on.
func (e *Engine) TestConnection(ctx context.Context, name string) (control.ConnectionTest, error) {
	t, err := e.service.Test(ctx, name)
	if err == nil && t.State == connection.Connected {
		err = e.runner.WakeBlocked(ctx, t.Name)
	}
	return t, err
}

// ReadConnection calls what a connection may list, and compares the answers with
// the catalogue; see connect.Service.Read.
func (e *Engine) ReadConnection(ctx context.Context, name string) (control.ReadReport, error) {
	return e.service.Read(ctx, name)
}

// ReloadConnections loads the vault again, and wakes the runs that were blocked
// by connections which can be used now. It returns the names of these.
func (e *Engine) ReloadConnections(ctx context.Context, key string) ([]string, error) {
	usable, err := e.connections.Reload(key)
	if err != nil {
		return nil, fmt.Errorf("the connections cannot be loaded:\n%w", err)
	}
	if len(usable) == 0 {
		return nil, nil
	}
	e.config.Log.Info("connections can be used", "connections", strings.Join(usable, ", "))
	// A script that names one may have failed to load.
	return usable, errors.Join(e.scripts.Retry(ctx), e.runner.WakeBlocked(ctx, usable...))
}

// installed records that a vendor's customer installed or removed the app.
func (e *Engine) installed(ctx context.Context, l ingest.InstallEvent) error {
	if !l.Installed {
		return e.connections.HandleUninstall(ctx, l.Connection, l.Account, l.At)
	}
	usable, err := e.connections.HandleInstall(ctx, l.Connection, l.Account, l.At)
	if err != nil {
		return err
	}
	return e.runner.WakeBlocked(ctx, usable...)
}

// Send accepts an event that no vendor sent. It returns when the event and its
// runs are durable. An event of an app gets the connection, account and record
// that a webhook would have given it. The error is a *bindings.Error of kind
// invalid if the trigger or the connection does not exist, or no hook takes the
// event.
func (e *Engine) Send(ctx context.Context, m control.Message) (control.Sent, error) {
	id, receipt, err := e.ingest.Send(ctx, ingest.Manual{ID: m.ID, Type: m.Type, Connection: m.Connection, Data: m.Data})
	if err != nil {
		return control.Sent{}, err
	}
	return control.Sent{Event: id, Duplicate: receipt.Duplicate, Runs: receipt.Runs,
		Woken: receipt.Woken, Merged: receipt.Merged, Skipped: receipt.Skipped}, nil
}

// journalStatus returns the state of the journal, for the control API.
func (e *Engine) journalStatus(ctx context.Context) control.JournalStatus {
	s := control.JournalStatus{Health: e.store.Health()}
	var err error
	if s.Pending, err = e.store.Pending(ctx); err != nil {
		s.Unread = err.Error()
	}
	s.Lag = s.Pending.Lag(e.config.Clock.Now()).Seconds()
	return s
}

// status returns what the engine runs, for the control API.
func (e *Engine) status(ctx context.Context) control.Status {
	s := control.Status{PID: os.Getpid(), Listen: e.URL(), Started: e.started, Journal: e.journalStatus(ctx),
		Scripts: []control.ScriptStatus{}, Webhooks: []control.Count{}, Polls: []control.PollStatus{}}
	scripts := map[string]control.ScriptStatus{}
	for name, script := range e.scripts.Generation().Scripts {
		one := control.ScriptStatus{Name: name, Version: script.Version.Short(), Hooks: []string{}}
		for _, hook := range script.Hooks {
			one.Hooks = append(one.Hooks, hook.Name)
		}
		scripts[name] = one
	}
	for _, problem := range e.scripts.Problems() {
		one, live := scripts[problem.Script]
		if !live {
			one = control.ScriptStatus{Name: problem.Script, Hooks: []string{}}
		}
		if one.Problem = problem.Error(); problem.LastVersionLive {
			one.Problem += "; the last version that could be loaded is live"
		}
		scripts[problem.Script] = one
	}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		s.Scripts = append(s.Scripts, scripts[name])
	}
	for _, count := range e.ingest.Counts() {
		s.Webhooks = append(s.Webhooks, control.Count(count))
	}
	for _, c := range e.calls.OpenCircuits() {
		s.Circuits = append(s.Circuits, control.CircuitStatus{App: c.App, Host: c.Host, Lookups: c.Lookup, Failures: c.Failures, Reason: c.Reason, Since: c.Opened.UTC(), Next: c.Next.UTC()})
	}
	for _, one := range e.polls.Status() {
		s.Polls = append(s.Polls, control.PollStatus{
			Connection: one.Connection, Poll: one.Poll, Purpose: one.Purpose, Every: one.Every.String(), Last: one.Scanned.UTC(),
			Next: one.Next.UTC(), Found: one.Found, Problem: one.Problem, Failing: one.Failing.UTC(),
		})
	}
	return s
}
