package subscription

import (
	"context"

	"github.com/tidewire/tidewire/engine/journal"
)

// What follows is for whoever receives webhooks.

// Find gives the subscription of a key and its secret, which is empty as long
// as there is none; journal.ErrNotFound says that the key is not ours.
func (k *Keeper) Find(key string) (journal.Subscription, string, error) { return k.book.find(key) }

// Confirm keeps the secret that a vendor chose. It returns when that is
// durable, and fails where none is waited for.
func (k *Keeper) Confirm(ctx context.Context, key, secret string) error {
	return k.book.confirm(ctx, key, secret)
}

// PollSoon has the poll looked at whose list changed. Without a key it is all
// that the app's webhooks tell of.
func (k *Keeper) PollSoon(connection, key string) {
	conn, found := k.Connections.Get(connection)
	if !found {
		return
	}
	sub, _, _ := k.book.find(key)
	for _, def := range conn.App().Subscriptions {
		if def.Poll != "" && (key == "" || def.Name == sub.Name) {
			k.Config.PollSoon(connection, def.Poll, sub.Item)
		}
	}
}

// Lost has the subscription registered anew if it is gone, and what it may
// have missed looked for.
func (k *Keeper) Lost(connection, key string) {
	k.Log.Warn("the vendor says that webhooks were lost or that their subscription ended", "connection", connection)
	sub, _, _ := k.book.find(key)
	poll := ""
	if conn, found := k.Connections.Get(connection); found {
		if def, known := conn.App().Subscription(sub.Name); known {
			poll = def.Poll
		}
	}
	if poll != "" {
		k.Config.PollSoon(connection, poll, sub.Item)
	} else {
		k.Config.Reconcile(connection)
	}
	c := k.care(connection)
	c.flag(c.doubted, key)
	k.rouse()
}

// Expiring has the subscription renewed now.
func (k *Keeper) Expiring(connection, key string) {
	c := k.care(connection)
	c.flag(c.rushed, key)
	k.rouse()
}
