// Package all lists the apps. A new app is a folder and one line here.
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

// entry is an app and its rules for the sandbox, nil if it has none.
type entry struct {
	app   func() *bindings.App
	rules func() *sandbox.Rules
}

// entries returns all apps, sorted by name.
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

// Apps returns all apps, sorted by name.
func Apps() []*bindings.App {
	var apps []*bindings.App
	for _, e := range entries() {
		apps = append(apps, e.app())
	}
	return apps
}

// Rules returns the rules of the apps for the sandbox, by name of the app.
func Rules() map[string]*sandbox.Rules {
	rules := map[string]*sandbox.Rules{}
	for _, e := range entries() {
		if e.rules != nil {
			rules[e.app().Name] = e.rules()
		}
	}
	return rules
}
