// Package all lists the apps. Adding an app is its folder and one line here.
package all

import (
	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/asana"
	"github.com/tidewire/tidewire/bindings/googlecalendar"
	"github.com/tidewire/tidewire/bindings/highlevel"
	"github.com/tidewire/tidewire/bindings/qonto"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/slack"
	"github.com/tidewire/tidewire/bindings/teams"
)

// entry is an app, and the rules by which the sandbox serves it; nil: none.
type entry struct {
	app   func() *bindings.App
	rules func() *sandbox.Rules
}

// entries are all apps, by name.
func entries() []entry {
	return []entry{
		{asana.App, asana.Rules},
		{googlecalendar.App, googlecalendar.Rules},
		{highlevel.App, highlevel.Rules},
		{qonto.App, qonto.Rules},
		{slack.App, slack.Rules},
		{teams.App, teams.Rules},
	}
}

// Apps are all apps, sorted by name.
func Apps() []*bindings.App {
	var apps []*bindings.App
	for _, e := range entries() {
		apps = append(apps, e.app())
	}
	return apps
}

// Rules are the rules by which the sandbox serves the apps, by name of the app.
func Rules() map[string]*sandbox.Rules {
	rules := map[string]*sandbox.Rules{}
	for _, e := range entries() {
		if e.rules != nil {
			rules[e.app().Name] = e.rules()
		}
	}
	return rules
}
