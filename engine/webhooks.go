package engine

import (
	"context"
	"errors"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/subscription"
)

// subscriptions makes what registers webhooks at vendors. The polls read what
// those webhooks only hint at; a hint that is lost in a crash does no harm, as
// polls read their lists soon after each start.
func (e *Engine) subscriptions(ctx context.Context) (*subscription.Registrar, error) {
	c := e.config
	return subscription.New(ctx, subscription.Config{
		Connections: e.connections, Calls: e.calls, Store: e.store, Secrets: e.connections.WebhookSecrets(),
		Generation: e.scripts.Generation, PublicURL: c.PublicURL, Log: c.Log, Clock: c.Clock,
		Auto: func(name string) bool {
			conn, found := e.connections.Get(name)
			return found && conn.WebhooksAuto()
		},
		PollSoon:  e.polls.PollSoon,
		Reconcile: e.polls.Reconcile,
	})
}

// SyncWebhooks registers webhooks at vendors as scripts want them, and removes
// the rest.
func (e *Engine) SyncWebhooks(ctx context.Context, o control.SyncOptions) ([]control.Webhook, error) {
	changes, err := e.registrar.Sync(ctx, subscription.SyncOptions{Connections: o.Connections, Dry: o.Dry})
	if errors.Is(err, subscription.ErrNoAddress) {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: err.Error()}
	}
	all := make([]control.Webhook, len(changes))
	for i, c := range changes {
		all[i] = control.Webhook{
			Connection: c.Connection, Subscription: c.Subscription, Item: c.Item, Action: string(c.Action), Types: c.Types,
			Expires: c.Expires, Text: c.Text, URL: c.URL, Steps: c.Steps,
		}
	}
	return all, err
}
