package highlevel

import "github.com/tidewire/tidewire/bindings"

// subscriptions: an app has one address for all locations, set on its page.
// Private integrations receive no webhooks.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{{
		Name:     "events",
		Triggers: []string{"highlevel.*.*"},
		Steps: []string{
			"At marketplace.gohighlevel.com open the app that the connection was authorised with, and there its webhooks.",
			"Give {url} as the default webhook URL; it serves every location that installs the app.",
			"Switch on: {types.text}.",
			"Save. A connection by private integration token gets no webhooks; what it can see is polled.",
		},
	}}
}
