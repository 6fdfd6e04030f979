package bindings

import "time"

// Subscription says how webhooks are registered at the vendor. Where the
// vendor has no API for it, Steps say what to do by hand and the rest is empty.
//
// What is ours is found again by its address: {url} is the address under which
// this installation is reached, /hooks/<app>/<name> with ?subscription=KEY
// behind it, where KEY is made of connection, subscription and item, so that
// registering twice changes nothing.
type Subscription struct {
	// Name tells it from the others of the app: "events".
	Name string
	// Of is what one is registered for each item of (a calendar, a project),
	// nil if there is one for a connection.
	Of *Of
	// Triggers are patterns of the triggers that it brings, three parts each:
	// "qonto.*.*", "googlecalendar.event.*". It is wanted while a live hook or
	// wait names one of them, and its webhooks tell of no other: two whose
	// vendor types have the same words are told apart by it.
	Triggers []string

	// Create registers it. {types} is the list of the vendor's types of the
	// triggers that are wanted (Trigger.Vendor), {types.text} the same with
	// commas between; {secret} is one of our making, letters and digits, {id} a
	// UUID of ours for vendors that let the client name it; {expires} the end
	// of Lifetime, RFC 3339, and {expires.ms} in Unix milliseconds.
	Create Call
	// List finds what is registered, by the Pages of its operation; nil: what
	// this installation remembers is all that is known.
	List *Call
	// Update gives a registered one other types; nil: it is created anew, and
	// the old one removed when that is so. Where {types} stands nowhere in
	// Create, other types change nothing.
	Update *Call
	// Renew prolongs it; nil: as with Update.
	Renew *Call
	// Remove ends it. {id}, {account}, {of.PATH} and, for what stands at Keep,
	// {kept.PATH} are known here, in Renew and in Update.
	Remove Call

	// Wrap is the path in the answers of Create, Update and Renew at which the
	// subscription stands, empty where the answer is it. The other paths lead
	// from there, and from an item of List.
	Wrap string
	// ID and Address are paths in a created or listed one; Expires that of its
	// end (RFC 3339 or Unix milliseconds); Types that of the list of its types,
	// where it can be read back. Keep are paths of what else is needed to
	// remove it.
	ID, Address, Expires, Types string
	Keep                        []string
	// Secret is the path in a created one of a secret that the vendor made.
	Secret string
	// Adds are fields of event.data that the vendor leaves out, with the paths
	// of their values in the item of Of; behind "of.", in that for which its list
	// was made: the team of a channel's message.
	Adds map[string]string
	// Lifetime is how long one is asked for, zero if it does not end. It is
	// renewed when a quarter of its life is left.
	Lifetime time.Duration
	// Poll is looked at once when it was created and whenever a webhook of it
	// comes, for vendors that say only that something changed.
	Poll string

	// Steps are what to do by hand, in our own words, with {url} in them, and
	// {types.text} where types are chosen.
	Steps []string
}

// Confirm is the vendor's check of an address, where it is not made in a
// body: at most one field is set.
type Confirm struct {
	// Query is the parameter whose value is to be answered as plain text:
	// Graph's validationToken.
	Query string
	// Header is to be sent back as it came, and its value is the secret with
	// which this subscription's webhooks are signed from now on: Asana's
	// X-Hook-Secret. It is taken only while we wait for it.
	Header string
}

// Proof is a secret that a webhook shows as it is instead of signing with it:
// that of its subscription.
type Proof struct {
	Header string // carries it: Google's X-Goog-Channel-Token
	Path   string // the field that carries it in each notification: Graph's clientState
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
