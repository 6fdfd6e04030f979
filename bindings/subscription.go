package bindings

import "time"

// Subscription is how webhooks are registered at the vendor. If the vendor has
// no API for that, Steps describe what to do by hand and the rest is empty.
//
// A subscription of this installation is recognised by its address: {url} is
// the address of this installation, /hooks/<app>/<name>?subscription=KEY. KEY
// is made of connection, subscription and item, so that registering twice
// changes nothing.
type Subscription struct {
	// Name is unique among the subscriptions of the app: "events".
	Name string
	// ForEach are the items (calendars, projects) for each of which one is
	// registered; nil: there is one for a connection.
	ForEach *ForEach `app:"of"`
	// Triggers are patterns of the triggers that come by it, three parts each:
	// "qonto.*.*", "googlecalendar.event.*". It is needed while a live hook or
	// wait uses one of them. Its webhooks are matched with these triggers only,
	// so two subscriptions may use the same vendor types.
	Triggers []string

	// Create registers it. {types} is the list of the vendor's types
	// (Trigger.Vendor) of the triggers that are needed, {types.text} the same
	// with commas between them. {secret} is a new secret of letters and digits.
	// {id} is a new UUID for vendors that let the client choose it. {expires}
	// is the end of Lifetime, RFC 3339, and {expires.ms} in Unix milliseconds.
	Create Call
	// List finds what is registered, by the Pages of its operation; nil: only
	// what this installation has stored is known.
	List *Call
	// Update changes the types of a registered one; nil: a new one is created
	// and then the old one removed. Without {types} in Create a change of types
	// needs nothing.
	Update *Call
	// Renew extends its lifetime; nil: as with Update.
	Renew *Call
	// Remove ends it. {id}, {account}, {of.PATH} and, for the paths in Stored,
	// {kept.PATH} have values here, in Renew and in Update.
	Remove Call

	// Wrap is the path of the subscription in the answers of Create, Update and
	// Renew; empty if the answer is the subscription. The other paths begin
	// there, and at an item of List.
	Wrap string
	// ID, Address and Expires are paths in a created or listed subscription;
	// Expires is its end (RFC 3339 or Unix milliseconds). Types is the path of
	// the list of its types, if that can be read. Stored are paths of further
	// values that are needed to remove it.
	ID, Address, Expires, Types string
	Stored                      []string `app:"keep"`
	// Secret is the path in a created one of a secret that the vendor chose.
	Secret string
	// Adds maps fields of event.data that the vendor leaves out to the paths of
	// their values in the item of ForEach: the team of a channel's message.
	// After "of." a path is one in the item that this one was read for.
	Adds map[string]string
	// Lifetime is the requested lifetime; zero if it does not end. It is renewed
	// when a quarter of it is left.
	Lifetime time.Duration
	// Poll is run once after it was created and on each of its webhooks, for
	// vendors whose webhooks do not have what changed.
	Poll string

	// Steps are what to do by hand, in our own words, with {url} in them, and
	// {types.text} where types are selected.
	Steps []string
}

// Handshake is the vendor's request to prove that an address is ours, if it is
// not made in a body: at most one field is set.
type Handshake struct {
	// Query is the parameter whose value is the answer, as plain text: Graph's
	// validationToken.
	Query string
	// Header is sent back with the same value, which is also the secret with
	// which this subscription's webhooks are signed from now on: Asana's
	// X-Hook-Secret. It is accepted only while a registration waits for it.
	Header string
}

// WebhookToken is the secret of a subscription that its webhooks contain as it
// is, instead of a signature.
type WebhookToken struct {
	Header string // the header with the secret: Google's X-Goog-Channel-Token
	Path   string // its path in each notification: Graph's clientState
}

// Subscription finds a subscription by its name.
func (a *App) Subscription(name string) (*Subscription, bool) {
	for i := range a.Subscriptions {
		if a.Subscriptions[i].Name == name {
			return &a.Subscriptions[i], true
		}
	}
	return nil, false
}
