package subscription

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/script"
)

// steps says what to do at the vendor for a connection whose app has no API to
// register webhooks. Always says so also where no script wants any.
func (k *Keeper) steps(conn *connection.Connection, g *script.Generation, always bool) (changes []Change) {
	app := conn.App()
	for i := range app.Subscriptions {
		def := &app.Subscriptions[i]
		if !byHand(def) {
			continue
		}
		wanted, types := wants(app, def, conn.Name(), g)
		if !wanted && !always {
			continue
		}
		change := Change{Connection: conn.Name(), Subscription: def.Name, Action: ByHand, Types: types, URL: k.handAddress(conn)}
		words := strings.NewReplacer("{url}", change.URL, "{types.text}", typesText(types))
		for _, step := range def.Steps {
			change.Steps = append(change.Steps, words.Replace(step))
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

// handAddress is where a vendor is to send: one address for all connections
// whose account is in the body, else that of the connection.
func (k *Keeper) handAddress(conn *connection.Connection) string {
	path := pathOf(conn.Name())
	if app := conn.App(); conn.Account() != "" && len(app.Account.Paths) > 0 || len(k.Connections.OfApp(app.Name)) == 1 {
		path = pathOf(app.Name)
	}
	return strings.TrimSuffix(k.PublicURL, "/") + path
}

// needsSecret reports whether the webhooks of an app are checked with a secret
// that only the subscription has.
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
