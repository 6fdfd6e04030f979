// Package all lists the apps. Adding an app is its folder and one line here.
package all

import (
	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/asana"
	"github.com/tidewire/tidewire/bindings/googlecalendar"
	"github.com/tidewire/tidewire/bindings/highlevel"
	"github.com/tidewire/tidewire/bindings/qonto"
	"github.com/tidewire/tidewire/bindings/slack"
	"github.com/tidewire/tidewire/bindings/teams"
)

// Apps are all apps, by name.
func Apps() []*bindings.App {
	return []*bindings.App{
		asana.App(),
		googlecalendar.App(),
		highlevel.App(),
		qonto.App(),
		slack.App(),
		teams.App(),
	}
}
