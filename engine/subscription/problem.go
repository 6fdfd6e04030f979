package subscription

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Problem is a problem of webhooks, for a person.
type Problem struct {
	Connection   string
	Subscription string
	Item         string
	Text         string
	Do           string // what the person is to do next
	Since        time.Time
}

// Problems lists what could not be registered or renewed, what ends soon, and
// the subscriptions of connections that do not exist any more.
func (r *Registrar) Problems() (all []Problem) {
	now := r.config.Clock.Now()
	add := func(p place, since time.Time, do, text string, args ...any) {
		all = append(all, Problem{p.connection, p.name, p.item, fmt.Sprintf(text, args...), do, since})
	}
	failing := map[place]bool{}
	for _, conn := range r.config.Connections.All() {
		sync := "fix that, then: tidewire webhooks sync " + conn.Name()
		if r.config.PublicURL == "" && r.config.Auto(conn.Name()) && registers(conn.App()) {
			add(place{connection: conn.Name()}, time.Time{}, "set public_url and start tidewire again", "its webhooks are not registered: there is no public_url")
		}
		for p, failure := range r.state(conn.Name()).problems() {
			failing[p] = true
			add(p, failure.at, sync, "%s; it is tried again at %s", failure.problem, failure.at.UTC().Format(time.RFC3339))
		}
	}
	for _, row := range r.registry.all(nil) {
		p := place{row.Connection, row.Name, row.Item}
		conn, found := r.config.Connections.Get(row.Connection)
		if !found {
			add(p, row.Created, "remove it at the vendor, or bring the connection back",
				"a webhook is registered at the vendor under the id %q, and the connection is gone", row.ID)
			continue
		}
		def, known := conn.App().Subscription(row.Name)
		if !known || failing[p] || row.State != journal.SubscriptionLive || row.Expires.IsZero() {
			continue
		}
		// Half of the time for renewing it has passed.
		if left := row.Expires.Sub(now); left < row.Expires.Sub(renewal(def, row))/2 {
			add(p, row.Renewed, "tidewire webhooks sync "+row.Connection, "it ends at %s and was not renewed", row.Expires.UTC().Format(time.RFC3339))
		}
	}
	slices.SortStableFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Subscription, b.Subscription), cmp.Compare(a.Item, b.Item))
	})
	return all
}
