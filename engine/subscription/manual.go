package subscription

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/script"
)

// manualSteps returns the steps that a person must take at the vendor, for a
// connection whose app has no API to register webhooks. With always it returns
// them also if no script needs webhooks.
func (r *Registrar) manualSteps(conn *connection.Connection, g *script.Generation, always bool) (changes []Change) {
	app := conn.App()
	for i := range app.Subscriptions {
		def := &app.Subscriptions[i]
		if !isManual(def) {
			continue
		}
		wanted, types := wantedTypes(app, def, conn.Name(), g)
		if !wanted && !always {
			continue
		}
		change := Change{Connection: conn.Name(), Subscription: def.Name, Action: Manual, Types: types, URL: r.manualAddress(conn)}
		replacer := strings.NewReplacer("{url}", change.URL, "{types.text}", typesText(types))
		for _, step := range def.Steps {
			change.Steps = append(change.Steps, replacer.Replace(step))
		}
		changes = append(changes, change)
	}
	return changes
}

func typesText(types []string) string {
	if len(types) == 0 {
		return "the events that scripts shall see"
	}
	return strings.Join(types, ", ")
}

// manualAddress is the address for webhooks that a person registers: one for all
// connections of an app whose webhooks contain the account, else that of the
// connection.
func (r *Registrar) manualAddress(conn *connection.Connection) string {
	path := pathOf(conn.Name())
	if app := conn.App(); conn.Account() != "" && len(app.Account.Paths) > 0 || len(r.config.Connections.OfApp(app.Name)) == 1 {
		path = pathOf(app.Name)
	}
	return strings.TrimSuffix(r.config.PublicURL, "/") + path
}

// needsSecret reports whether the webhooks of an app are verified with a secret
// of their subscription.
func needsSecret(hook *bindings.Webhook) bool {
	if hook.Token != nil {
		return true
	}
	for _, signature := range hook.Signatures {
		if signature.Key == "" && !signature.OptIn {
			return true
		}
	}
	return false
}
