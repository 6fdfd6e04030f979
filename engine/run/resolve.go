package run

import (
	"fmt"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// resolve returns what a run reads from the configuration at its first
// activation: the connection of its calls to each app, if there is only one
// possible, and the time zone.
func (r *Runner) resolve(run journal.Run) journal.RunConfig {
	of := make(map[string]string, len(r.apps))
	for app := range r.apps {
		if c, err := r.config.Connections.Resolve(app, "", run.Connection); err == nil {
			of[app] = c.Name()
		}
	}
	if app := appOf(run.Connection); r.apps[app] != nil {
		of[app] = run.Connection
	}
	return journal.RunConfig{Connections: of, Zone: r.config.Zone.String()}
}

func appOf(connection string) string {
	app, _, _ := strings.Cut(connection, "/")
	return app
}

// zone returns the time zone of the run's first activation, or the configured one
// if this machine does not have that.
func (r *Runner) zone(run journal.Run) *time.Location {
	if run.Zone == "" || run.Zone == r.config.Zone.String() {
		return r.config.Zone
	}
	zone, err := time.LoadLocation(run.Zone)
	if err != nil {
		r.config.Log.Warn("the run's time zone is not known here; the configured one is used", "run", run.ID, "zone", run.Zone, "error", err)
		return r.config.Zone
	}
	return zone
}

// connection returns the connection of a call. If the app has none, the error
// blocks the run until one is configured.
func (h *host) connection(s vm.Step) (string, error) {
	name, err := h.resolve(s.App.Name, s.Options.Connection)
	if err == nil {
		return name, nil
	}
	e := invalid(s, err.Error())
	if len(h.runner.config.Connections.OfApp(s.App.Name)) == 0 {
		e.Kind = bindings.BrokenConnection
	}
	return "", e
}

// resolve returns the connection of the run's calls to an app. It may not be
// configured any more.
func (h *host) resolve(app, wanted string) (string, error) {
	if name := h.run.Connections[app]; wanted == "" && name != "" {
		return name, nil
	}
	c, err := h.runner.config.Connections.Resolve(app, wanted, h.run.Connection)
	if err != nil {
		return "", err
	}
	return c.Name(), nil
}

// account returns the account of the records of a link's kind ("qonto.client") in
// the run, empty if the run has no connection of the kind's app.
func (h *host) account(s vm.Step, kind string) (string, error) {
	app, _, _ := strings.Cut(kind, ".")
	name, err := h.resolve(app, "")
	if err != nil {
		return "", nil
	}
	c, found := h.runner.config.Connections.Get(name)
	if !found {
		e := invalid(s, fmt.Sprintf("the account of %q is not known: connection %q is not configured any more", kind, name))
		e.Kind, e.Connection = bindings.BrokenConnection, name
		return "", e
	}
	return c.Account(), nil
}
