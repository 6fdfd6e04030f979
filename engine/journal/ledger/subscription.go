package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

// subscriptionTask stores a subscription, or deletes it if data is nil.
type subscriptionTask struct {
	waiter
	key  string
	data []byte
}

// PutSubscription implements journal.Store.
func (l *Ledger) PutSubscription(ctx context.Context, s journal.Subscription) error {
	if s.Key == "" {
		return fmt.Errorf("store a subscription of %q: it has no key", s.Connection)
	}
	data, err := json.Marshal(s)
	if err == nil {
		err = l.queue.do(ctx, &subscriptionTask{newWaiter(), s.Key, data})
	}
	if err != nil {
		return fmt.Errorf("store a subscription of %q: %w", s.Connection, err)
	}
	return nil
}

// DropSubscription implements journal.Store.
func (l *Ledger) DropSubscription(ctx context.Context, key string) error {
	if err := l.queue.do(ctx, &subscriptionTask{newWaiter(), key, nil}); err != nil {
		return fmt.Errorf("delete a subscription: %w", err)
	}
	return nil
}

func (t *subscriptionTask) collect(*batch) {}

func (t *subscriptionTask) decide(b *batch) error {
	b.changeCount++
	b.changes.Subscriptions = append(b.changes.Subscriptions, Subscription{t.key, t.data})
	return nil
}
