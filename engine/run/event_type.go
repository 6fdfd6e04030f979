package run

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// eventType finds how the data of an event is typed in its app's catalogue.
func (r *Runner) eventType(trigger string) (*bindings.App, *bindings.Type) {
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
