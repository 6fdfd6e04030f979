package engine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/journal"
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
	if !receipt.Duplicate && len(receipt.Runs) == 0 {
		return control.Sent{}, wrong("no run was started and nothing kept: no hook takes this %s; tidewire status lists the hooks", m.Type)
	}
	return control.Sent{Event: event.ID, Duplicate: receipt.Duplicate, Runs: receipt.Runs}, nil
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
			hint := "; the reference lists the triggers"
			if near := bindings.Nearest(event.Type, app.Catalogue.Triggers()); near != "" {
				hint = "; did you mean " + near + "?"
			}
			return wrong("unknown trigger %q%s", event.Type, hint)
		}
		if trigger.Record != "" {
			event.Record = journal.LookupText(event.Data, trigger.Record)
		}
		connection, err := e.connections.Resolve(name, wanted, "")
		if err != nil {
			return wrong("%v", err)
		}
		event.Connection, event.Account = connection.Name(), connection.Account()
		return nil
	}
	names := make([]string, len(e.config.Apps))
	for i, app := range e.config.Apps {
		names[i] = app.Name
	}
	return wrong("unknown trigger %q: it begins with none of the apps (%s), in:/ or emit:", event.Type, strings.Join(names, ", "))
}

func wrong(format string, args ...any) error {
	return &bindings.Error{Kind: bindings.Invalid, Message: fmt.Sprintf(format, args...)}
}

// status tells commands what the engine has live.
func (e *Engine) status() control.Status {
	s := control.Status{PID: os.Getpid(), Listen: e.URL(), Started: e.started}
	generation := e.scripts.Generation()
	for _, name := range sortedKeys(generation.Scripts) {
		one := control.ScriptStatus{Name: name, Version: generation.Scripts[name].Version.Short()}
		for _, hook := range generation.Scripts[name].Hooks {
			one.Hooks = append(one.Hooks, hook.Name)
		}
		s.Scripts = append(s.Scripts, one)
	}
	for _, problem := range e.scripts.Problems() {
		i := slices.IndexFunc(s.Scripts, func(one control.ScriptStatus) bool { return one.Name == problem.Script })
		if i < 0 {
			i = len(s.Scripts)
			s.Scripts = append(s.Scripts, control.ScriptStatus{Name: problem.Script})
		}
		s.Scripts[i].Problem = problem.Error()
	}
	for _, count := range e.ingest.Counts() {
		s.Webhooks = append(s.Webhooks, control.Count(count))
	}
	return s
}
