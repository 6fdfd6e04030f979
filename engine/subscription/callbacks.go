package subscription

import (
	"context"

	"github.com/tidewire/tidewire/engine/journal"
)

// The methods of this file are for the receiver of webhooks.

// Find returns the subscription of a key and its secret, which is empty as long
// as there is none. The error is journal.ErrNotFound for a key that is not ours.
func (r *Registrar) Find(key string) (journal.Subscription, string, error) {
	return r.registry.find(key)
}

// Confirm stores the secret that a vendor chose. It returns when that is
// durable, and fails if the subscription waits for none.
func (r *Registrar) Confirm(ctx context.Context, key, secret string) error {
	return r.registry.confirm(ctx, key, secret)
}

// PollSoon requests the poll whose list changed. Without a key it requests all
// polls that the app's webhooks are for.
func (r *Registrar) PollSoon(connection, key string) {
	conn, found := r.config.Connections.Get(connection)
	if !found {
		return
	}
	sub, _, _ := r.registry.find(key)
	for _, def := range conn.App().Subscriptions {
		if def.Poll != "" && (key == "" || def.Name == sub.Name) {
			r.config.PollSoon(connection, def.Poll, sub.Item)
		}
	}
}

// Lost requests that the subscription is registered again if the vendor does not
// have it any more, and that changes without a webhook are polled.
func (r *Registrar) Lost(connection, key string) {
	r.config.Log.Warn("the vendor reports that webhooks were lost or that their subscription ended", "connection", connection)
	sub, _, _ := r.registry.find(key)
	poll := ""
	if conn, found := r.config.Connections.Get(connection); found {
		if def, known := conn.App().Subscription(sub.Name); known {
			poll = def.Poll
		}
	}
	if poll != "" {
		r.config.PollSoon(connection, poll, sub.Item)
	} else {
		r.config.Reconcile(connection)
	}
	c := r.state(connection)
	c.add(c.lost, key)
	r.wake()
}

// Expiring requests that the subscription is renewed now.
func (r *Registrar) Expiring(connection, key string) {
	c := r.state(connection)
	c.add(c.expiring, key)
	r.wake()
}
