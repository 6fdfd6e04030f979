package slack

import "github.com/tidewire/tidewire/bindings"

// subscriptions: which events an app receives is set on its page.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{{
		Name:     "events",
		Triggers: []string{"slack.*.*"},
		Steps: []string{
			"At api.slack.com/apps open the app, and there Basic Information; its Signing Secret is the connection's webhook_secret.",
			"Under Event Subscriptions switch events on and give {url} as the Request URL. It is verified at once, so Tidewire must be running.",
			"Under Subscribe to bot events add: {types.text}.",
			"For buttons, menus, modals and shortcuts give {url} under Interactivity & Shortcuts too, and for slash commands at each of them.",
			"Save, and install the app anew where Slack asks for it.",
		},
	}}
}
