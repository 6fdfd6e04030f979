package qonto

import "github.com/tidewire/tidewire/bindings"

// subscriptions: one receives all types. The vendor creates a new secret if a change
// names none, and only the answer to create contains it.
func subscriptions() []bindings.Subscription {
	return []bindings.Subscription{{
		Name:     "events",
		Triggers: []string{"qonto.*.*"},
		Create: bindings.Call{Operation: "webhook_subscriptions.create", Args: map[string]any{
			"callback_url": "{url}", "types": "{types}", "secret": "{secret}", "description": "Tidewire",
		}},
		List: &bindings.Call{Operation: "webhook_subscriptions.list"},
		Update: &bindings.Call{Operation: "webhook_subscriptions.update", Args: map[string]any{
			"id": "{id}", "callback_url": "{url}", "types": "{types}", "secret": "{secret}", "description": "Tidewire",
		}},
		Remove:  bindings.Call{Operation: "webhook_subscriptions.delete", Args: map[string]any{"id": "{id}"}},
		ID:      "id",
		Address: "callback_url",
		Types:   "types",
	}}
}
