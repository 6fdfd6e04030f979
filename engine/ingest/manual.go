package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Manual is an event that a person sends, not a vendor.
type Manual struct {
	ID         string // a new one where it is empty
	Type       string
	Connection string // needed where the app of Type has several
	Data       json.RawMessage
}

// Send accepts an event that a person sends, and returns its id. An event of an
// app gets the connection, account and record that it would have from a webhook.
// The error is a *bindings.Error of kind invalid if the trigger or the
// connection does not exist, or no hook is for the event.
func (s *Server) Send(ctx context.Context, m Manual) (id string, receipt journal.Receipt, err error) {
	event := journal.Event{ID: m.ID, Type: m.Type, Data: m.Data, Source: journal.Manual}
	if event.ID == "" {
		event.ID = uuid.NewString()
	}
	event.ID = "hand:" + event.ID
	if err := s.address(&event, m.Connection); err != nil {
		return "", receipt, err
	}
	receipts, err := s.config.Accept(ctx, event)
	if err != nil {
		return "", receipt, err
	}
	if receipt = receipts[0]; !receipt.Duplicate && !receipt.Stored {
		return "", receipt, invalid("the event was not stored and no run started: no hook takes %s%s", m.Type, s.similarHook(m.Type))
	}
	return event.ID, receipt, nil
}

// similarHook returns the end of an error for a trigger without a hook.
func (s *Server) similarHook(trigger string) string {
	var all []string
	for _, hook := range s.config.Generation().Hooks() {
		all = append(all, hook.Triggers...)
	}
	if near := bindings.Nearest(trigger, all); near != "" && near != trigger {
		return "; did you mean " + near + "?"
	}
	return "; tidewire status lists the hooks"
}

// address sets the connection, account and record of an app's event.
func (s *Server) address(event *journal.Event, wanted string) error {
	if strings.HasPrefix(event.Type, "in:") || strings.HasPrefix(event.Type, "emit:") {
		return nil
	}
	name := bindings.TriggerName(event.Type).App()
	i := slices.IndexFunc(s.config.Apps, func(app *bindings.App) bool { return app.Name == name })
	if i < 0 {
		return s.unknownTrigger(event.Type)
	}
	trigger, found := s.config.Apps[i].Catalogue.Trigger(event.Type)
	if !found {
		return s.unknownTrigger(event.Type)
	}
	if trigger.Record != "" {
		event.Record = jsonpath.Text(event.Data, trigger.Record)
	}
	if all := s.config.Connections.OfApp(name); wanted == "" && len(all) > 1 {
		return invalid("%s has several connections (%s); --connection names the one that the event comes from", name, joinNames(all))
	}
	connection, err := s.config.Connections.Resolve(name, wanted, "")
	if err != nil {
		return invalid("%v", err)
	}
	event.Connection, event.Account = connection.Name(), connection.Account()
	return nil
}

func joinNames(connections []*connection.Connection) string {
	all := make([]string, len(connections))
	for i, c := range connections {
		all[i] = c.Name()
	}
	return strings.Join(all, ", ")
}

// unknownTrigger returns the error for a trigger that no app has.
func (s *Server) unknownTrigger(trigger string) error {
	app, _, _ := strings.Cut(trigger, ".")
	var apps, near []string
	for _, a := range s.config.Apps {
		apps = append(apps, a.Name)
		if a.Name == app || bindings.Nearest(app, []string{a.Name}) != "" {
			near = append(near, a.Catalogue.Triggers()...)
		}
	}
	if meant := bindings.Nearest(trigger, near); meant != "" {
		return invalid("unknown trigger %q; did you mean %s?", trigger, meant)
	}
	if slices.Contains(apps, app) {
		return invalid("unknown trigger %q; %s has %s", trigger, app, strings.Join(near, ", "))
	}
	return invalid("unknown trigger %q: it begins with none of the apps (%s), in:/ or emit:", trigger, strings.Join(apps, ", "))
}

func invalid(format string, args ...any) error {
	return &bindings.Error{Kind: bindings.Invalid, Message: fmt.Sprintf(format, args...)}
}
