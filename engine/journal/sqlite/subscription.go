package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// subscriptionTask keeps a subscription, or forgets it where data is nil.
type subscriptionTask struct {
	ticket
	key  string
	data []byte
}

// PutSubscription implements journal.Store.
func (s *Store) PutSubscription(ctx context.Context, sub journal.Subscription) error {
	if sub.Key == "" {
		return fmt.Errorf("keep a subscription of %q: it has no key", sub.Connection)
	}
	data, err := json.Marshal(sub)
	if err == nil {
		err = s.writer.queue.do(ctx, &subscriptionTask{newTicket(), sub.Key, data})
	}
	if err != nil {
		return fmt.Errorf("keep a subscription of %q: %w", sub.Connection, err)
	}
	return nil
}

// DropSubscription implements journal.Store.
func (s *Store) DropSubscription(ctx context.Context, key string) error {
	if err := s.writer.queue.do(ctx, &subscriptionTask{newTicket(), key, nil}); err != nil {
		return fmt.Errorf("forget a subscription: %w", err)
	}
	return nil
}

func (t *subscriptionTask) apply(w *writer) error {
	if t.data == nil {
		_, err := w.sql.dropSubscription.run(t.key)
		return err
	}
	_, err := w.sql.putSubscription.run(t.key, t.data)
	return err
}

// Subscriptions implements journal.Reader.
func (r *Reader) Subscriptions(ctx context.Context) (all []journal.Subscription, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT data FROM subscription`)
	if err != nil {
		return nil, r.fail("list subscriptions", err)
	}
	defer rows.Close()
	for rows.Next() {
		var data []byte
		var sub journal.Subscription
		err := rows.Scan(&data)
		if err == nil {
			err = json.Unmarshal(data, &sub)
		}
		if err != nil {
			return nil, r.fail("list subscriptions", err)
		}
		all = append(all, sub)
	}
	if err := rows.Err(); err != nil {
		return nil, r.fail("list subscriptions", err)
	}
	slices.SortFunc(all, func(a, b journal.Subscription) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Item, b.Item),
			a.Created.Compare(b.Created), cmp.Compare(a.Key, b.Key))
	})
	return all, nil
}
