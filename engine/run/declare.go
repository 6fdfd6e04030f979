package run

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// declared finds how the data of an event is typed in its app's catalogue.
func (r *Runner) declared(trigger string) (*bindings.App, *bindings.Type) {
	name, _, _ := strings.Cut(trigger, ".")
	app := r.apps[name]
	if app == nil || app.Catalogue == nil {
		return nil, nil
	}
	t, found := app.Catalogue.Trigger(trigger)
	if !found {
		return nil, nil
	}
	return app, t.Data
}

// accountOf gives the account that a link's kind ("qonto.client") belongs to
// within a run, empty where its app has no connection of its own.
func (r *Runner) accountOf(kind string, run journal.Run) string {
	app, _, _ := strings.Cut(kind, ".")
	c, err := r.Connections.Resolve(app, "", run.Connection)
	if err != nil {
		return ""
	}
	return c.Account()
}
