package engine

import (
	"context"
	"errors"
	"time"

	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/subscription"
)

// keeper makes what keeps webhooks registered at vendors. What a webhook only
// hints at is looked for by the polls; one that comes in a crash is not lost,
// since polls look at their lists soon after every start.
func (e *Engine) keeper(ctx context.Context) (*subscription.Keeper, error) {
	c := e.config
	return subscription.New(ctx, subscription.Config{
		Connections: e.connections, Calls: e.calls, Store: e.store, Secrets: e.connections.HookSecrets(),
		Generation: e.scripts.Generation, PublicURL: c.PublicURL, Log: c.Log, Clock: machine{c.Now, c.Timer},
		Auto: func(name string) bool {
			conn, found := e.connections.Get(name)
			return found && conn.WebhooksAuto()
		},
		Nudge:     func(connection, poll, item string) { e.polls.Nudge(connection, poll, item) },
		Reconcile: func(connection string) { e.polls.Reconcile(connection) },
	})
}

// machine waits by the time of the engine.
type machine struct {
	now   func() time.Time
	timer func(time.Duration) (<-chan time.Time, func()) // nil: as the machine does
}

func (m machine) Now() time.Time { return m.now().Round(0) }

func (m machine) Timer(d time.Duration) (<-chan time.Time, func()) {
	if m.timer != nil {
		return m.timer(d)
	}
	timer := time.NewTimer(d)
	return timer.C, func() { timer.Stop() }
}

// SyncWebhooks registers webhooks at vendors as scripts want them, and removes
// the rest.
func (e *Engine) SyncWebhooks(ctx context.Context, o control.SyncOrder) ([]control.Webhook, error) {
	changes, err := e.hooks.Sync(ctx, subscription.Order{Connections: o.Connections, Dry: o.Dry})
	if errors.Is(err, subscription.ErrNoAddress) {
		return nil, wrong("%s", err)
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

// webhooks finds what is not registered or renewed as it should be.
func (d *examination) webhooks(context.Context) error {
	for _, p := range d.engine.hooks.Problems() {
		text := p.Connection
		if p.Subscription != "" {
			text += " " + p.Subscription
		}
		if p.Item != "" {
			text += " of " + p.Item
		}
		f := control.Finding{Kind: "webhook", Text: text + ": " + p.Text, Do: p.Do}
		if !p.Since.IsZero() {
			f.Since = p.Since.UTC().Format(time.RFC3339)
		}
		d.found = append(d.found, f)
	}
	return nil
}
