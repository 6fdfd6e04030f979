package engine

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// send keeps an event that a person handed in.
func (e *Engine) send(ctx context.Context, m control.Message) (control.Sent, error) {
	event := journal.Event{ID: m.ID, Type: m.Type, Data: m.Data, Source: journal.Hand}
	if event.ID == "" {
		event.ID = uuid.NewString()
	}
	event.ID = "hand:" + event.ID
	if err := e.address(&event, m.Connection); err != nil {
		return control.Sent{}, err
	}
	receipt, err := e.runner.Accept(ctx, event)
	if err != nil {
		return control.Sent{}, err
	}
	if !receipt.Duplicate && !receipt.Kept {
		return control.Sent{}, wrong("nothing was kept and no run started: no hook takes %s%s", m.Type, e.taken(m.Type))
	}
	return control.Sent{Event: event.ID, Duplicate: receipt.Duplicate, Runs: receipt.Runs,
		Woken: receipt.Woken, Merged: receipt.Merged, Skipped: receipt.Skipped}, nil
}

// taken tells which trigger hooks take instead of one that none does.
func (e *Engine) taken(trigger string) string {
	var all []string
	for _, hook := range e.scripts.Generation().Hooks() {
		all = append(all, hook.Triggers...)
	}
	if near := bindings.Nearest(trigger, all); near != "" && near != trigger {
		return "; did you mean " + near + "?"
	}
	return "; tidewire status lists the hooks"
}

// address gives an event of an app the connection and record that a webhook
// would have given it.
func (e *Engine) address(event *journal.Event, wanted string) error {
	if strings.HasPrefix(event.Type, "in:") || strings.HasPrefix(event.Type, "emit:") {
		return nil
	}
	name, _, _ := strings.Cut(event.Type, ".")
	for _, app := range e.config.Apps {
		if app.Name != name {
			continue
		}
		trigger, found := app.Catalogue.Trigger(event.Type)
		if !found {
			return e.unknown(event.Type)
		}
		if trigger.Record != "" {
			event.Record = jsonpath.Text(event.Data, trigger.Record)
		}
		if all := e.connections.OfApp(name); wanted == "" && len(all) > 1 {
			return wrong("%s has several connections (%s); --connection says which one the event comes by", name, names(all))
		}
		connection, err := e.connections.Resolve(name, wanted, "")
		if err != nil {
			return wrong("%v", err)
		}
		event.Connection, event.Account = connection.Name(), connection.Account()
		return nil
	}
	return e.unknown(event.Type)
}

func names(connections []*connection.Connection) string {
	all := make([]string, len(connections))
	for i, c := range connections {
		all[i] = c.Name()
	}
	return strings.Join(all, ", ")
}

// unknown says that no app has a trigger, and which one may have been meant.
func (e *Engine) unknown(trigger string) error {
	app, _, _ := strings.Cut(trigger, ".")
	var apps, near []string
	for _, a := range e.config.Apps {
		apps = append(apps, a.Name)
		if a.Name == app || bindings.Nearest(app, []string{a.Name}) != "" {
			near = append(near, a.Catalogue.Triggers()...)
		}
	}
	if meant := bindings.Nearest(trigger, near); meant != "" {
		return wrong("unknown trigger %q; did you mean %s?", trigger, meant)
	}
	if slices.Contains(apps, app) {
		return wrong("unknown trigger %q; %s has %s", trigger, app, strings.Join(near, ", "))
	}
	return wrong("unknown trigger %q: it begins with none of the apps (%s), in:/ or emit:", trigger, strings.Join(apps, ", "))
}

func wrong(format string, args ...any) error {
	return &bindings.Error{Kind: bindings.Invalid, Message: fmt.Sprintf(format, args...)}
}

// status tells commands what the engine has live.
func (e *Engine) status() control.Status {
	s := control.Status{PID: os.Getpid(), Listen: e.URL(), Started: e.started,
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
		one.Problem = problem.Error()
		scripts[problem.Script] = one
	}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		s.Scripts = append(s.Scripts, scripts[name])
	}
	for _, count := range e.ingest.Counts() {
		s.Webhooks = append(s.Webhooks, control.Count(count))
	}
	for _, one := range e.polls.Status() {
		s.Polls = append(s.Polls, control.PollStatus{
			Connection: one.Connection, Poll: one.Poll, Purpose: one.Purpose, Every: one.Every.String(), Looked: one.Looked.UTC(),
			Next: one.Next.UTC(), Found: one.Found, Problem: one.Problem, Failing: one.Failing.UTC(),
		})
	}
	return s
}
