package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoAddress refuses to register webhooks without a PublicURL.
var ErrNoAddress = errors.New("webhooks have no address to be sent to: set public_url in tidewire.yaml to the address under which they reach this installation, such as https://hooks.example.com, and start tidewire again")

// SyncOptions are what Sync is to do.
type SyncOptions struct {
	// Connections are those to sync; none means all.
	Connections []string
	// Dry decides and changes nothing.
	Dry bool
}

// Sync registers what scripts need, renews what is due and removes the rest, at
// once, and returns what it did about each subscription. The failure of one does
// not end it.
func (r *Registrar) Sync(ctx context.Context, o SyncOptions) ([]Change, error) {
	if r.config.PublicURL == "" {
		return nil, ErrNoAddress
	}
	conns := r.config.Connections.All()
	if len(o.Connections) > 0 {
		conns = nil
		for _, name := range o.Connections {
			conn, found := r.config.Connections.Get(name)
			if !found {
				return nil, fmt.Errorf("there is no connection %q; there are %s", name, r.names())
			}
			conns = append(conns, conn)
		}
	}
	var changes []Change
	generation := r.config.Generation()
	for _, conn := range conns {
		changes = append(changes, r.manualSteps(conn, generation, len(o.Connections) > 0)...)
		if !registers(conn.App()) {
			if len(o.Connections) > 0 && len(conn.App().Subscriptions) == 0 {
				changes = append(changes, Change{Connection: conn.Name(), Action: Skipped, Text: conn.App().Title + " sends no webhooks that can be registered"})
			}
			continue
		}
		c := r.state(conn.Name())
		sy := r.newSyncer(conn, c, generation, syncMode{register: true, now: true})
		sy.dry = o.Dry
		sy.sync(ctx)
		changes = append(changes, sy.changes...)
		if ctx.Err() != nil {
			return changes, ctx.Err()
		}
		if !o.Dry {
			c.request() // replaced subscriptions are removed later
			r.wake()
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Subscription, b.Subscription), cmp.Compare(a.Item, b.Item))
	})
	return changes, nil
}

func (r *Registrar) names() string {
	var names []string
	for _, conn := range r.config.Connections.All() {
		names = append(names, conn.Name())
	}
	return strings.Join(names, ", ")
}
