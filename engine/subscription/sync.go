package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrNoAddress refuses to register webhooks that could not arrive.
var ErrNoAddress = errors.New("vendors do not know where to send webhooks: set public_url in tidewire.yaml to the address under which they reach this installation, such as https://hooks.example.com, and start tidewire again")

// Order says what Sync is to do.
type Order struct {
	// Connections are those to look after; none means all.
	Connections []string
	// Dry decides and does nothing.
	Dry bool
}

// Sync registers what scripts want, renews what is due and removes the rest,
// now, and says what it did about each. What fails for one does not end it.
func (k *Keeper) Sync(ctx context.Context, o Order) ([]Change, error) {
	if k.PublicURL == "" {
		return nil, ErrNoAddress
	}
	conns := k.Connections.All()
	if len(o.Connections) > 0 {
		conns = nil
		for _, name := range o.Connections {
			conn, found := k.Connections.Get(name)
			if !found {
				return nil, fmt.Errorf("there is no connection %q; there are %s", name, k.names())
			}
			conns = append(conns, conn)
		}
	}
	var changes []Change
	generation := k.Generation()
	for _, conn := range conns {
		changes = append(changes, k.steps(conn, generation, len(o.Connections) > 0)...)
		if !registers(conn.App()) {
			if len(o.Connections) > 0 && len(conn.App().Subscriptions) == 0 {
				changes = append(changes, Change{Connection: conn.Name(), Action: Skipped, Text: conn.App().Title + " sends no webhooks that can be registered"})
			}
			continue
		}
		c := k.care(conn.Name())
		v := k.visit(conn, c, generation, manner{register: true, now: true})
		v.dry = o.Dry
		v.make(ctx)
		changes = append(changes, v.changes...)
		if ctx.Err() != nil {
			return changes, ctx.Err()
		}
		if !o.Dry {
			c.rouse() // what was replaced goes in a while
			k.rouse()
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Subscription, b.Subscription), cmp.Compare(a.Item, b.Item))
	})
	return changes, nil
}

func (k *Keeper) names() string {
	var names []string
	for _, conn := range k.Connections.All() {
		names = append(names, conn.Name())
	}
	return strings.Join(names, ", ")
}
