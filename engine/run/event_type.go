package run

import "github.com/tidewire/tidewire/bindings"

// trigger returns a trigger of an app's catalogue, nil for another one.
func (r *Runner) trigger(name string) (*bindings.App, *bindings.Trigger) {
	app := r.apps[bindings.TriggerName(name).App()]
	if app == nil || app.Catalogue == nil {
		return nil, nil
	}
	t, found := app.Catalogue.Trigger(name)
	if !found {
		return nil, nil
	}
	return app, t
}

// eventType returns the type of an event's data in its app's catalogue.
func (r *Runner) eventType(trigger string) (*bindings.App, *bindings.Type) {
	app, t := r.trigger(trigger)
	if t == nil {
		return nil, nil
	}
	return app, t.Data
}
