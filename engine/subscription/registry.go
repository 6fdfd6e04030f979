package subscription

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// registry has the subscriptions of the journal in memory, with their secrets.
type registry struct {
	store   Store
	secrets Secrets

	confirming sync.Mutex
	mu         sync.RWMutex
	rows       map[string]*row
}

type row struct {
	journal.Subscription
	secret  string
	unread  error // why the secret cannot be read
	waiting bool  // for the secret that the vendor chooses
}

func openRegistry(ctx context.Context, store Store, secrets Secrets) (*registry, error) {
	reg := &registry{store: store, secrets: secrets, rows: map[string]*row{}}
	all, err := store.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		r := &row{Subscription: s}
		r.secret, r.unread = secrets.Load(ctx, s.Connection, s.Key)
		reg.rows[s.Key] = r
	}
	return reg, nil
}

// find returns a subscription and its secret.
func (reg *registry) find(key string) (journal.Subscription, string, error) {
	reg.mu.RLock()
	defer reg.mu.RUnlock()
	r := reg.rows[key]
	switch {
	case r == nil:
		return journal.Subscription{}, "", fmt.Errorf("find a subscription: %w", journal.ErrNotFound)
	case r.unread != nil:
		return journal.Subscription{}, "", fmt.Errorf("read the secret of a subscription of %q: %w", r.Connection, r.unread)
	}
	return r.Subscription, r.secret, nil
}

// all returns the subscriptions for which pick is true, in a stable order.
func (reg *registry) all(pick func(journal.Subscription) bool) (all []journal.Subscription) {
	reg.mu.RLock()
	defer reg.mu.RUnlock()
	for _, r := range reg.rows {
		if pick == nil || pick(r.Subscription) {
			all = append(all, r.Subscription)
		}
	}
	slices.SortFunc(all, func(x, y journal.Subscription) int {
		return cmp.Or(cmp.Compare(x.Connection, y.Connection), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Item, y.Item),
			x.Created.Compare(y.Created), cmp.Compare(x.Key, y.Key))
	})
	return all
}

// add stores a new subscription with its secret, before the vendor is asked.
// With waiting it accepts the secret that the vendor chooses, until the next
// put.
func (reg *registry) add(ctx context.Context, s journal.Subscription, secret string, waiting bool) error {
	if secret != "" {
		if err := reg.secrets.Save(ctx, s.Connection, s.Key, secret); err != nil {
			return fmt.Errorf("store the secret of a subscription: %w", err)
		}
	}
	if err := reg.store.PutSubscription(ctx, s); err != nil {
		return errors.Join(err, reg.secrets.Remove(ctx, s.Connection, s.Key))
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	reg.rows[s.Key] = &row{Subscription: s, secret: secret, waiting: waiting}
	return nil
}

// put stores a changed subscription, which waits for no secret from then on.
func (reg *registry) put(ctx context.Context, s journal.Subscription) error {
	if err := reg.store.PutSubscription(ctx, s); err != nil {
		return err
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	if r := reg.rows[s.Key]; r != nil {
		r.Subscription, r.waiting = s, false
	}
	return nil
}

// setSecret stores the secret that a vendor chose.
func (reg *registry) setSecret(ctx context.Context, key, secret string) error {
	reg.mu.RLock()
	r := reg.rows[key]
	reg.mu.RUnlock()
	if r == nil {
		return fmt.Errorf("store the secret of a subscription: %w", journal.ErrNotFound)
	}
	if err := reg.secrets.Save(ctx, r.Connection, key, secret); err != nil {
		return fmt.Errorf("store the secret of a subscription: %w", err)
	}
	reg.mu.Lock()
	defer reg.mu.Unlock()
	r.secret, r.unread = secret, nil
	return nil
}

// confirm accepts the secret that the vendor chose: the first one while the
// subscription waits for it, and the same one again.
func (reg *registry) confirm(ctx context.Context, key, secret string) error {
	reg.confirming.Lock()
	defer reg.confirming.Unlock()
	reg.mu.RLock()
	r := reg.rows[key]
	var waiting bool
	var known string
	if r != nil {
		waiting, known = r.waiting, r.secret
	}
	reg.mu.RUnlock()
	switch {
	case r == nil:
		return fmt.Errorf("confirm a subscription: %w", journal.ErrNotFound)
	case !waiting, known != "" && known != secret:
		return fmt.Errorf("confirm a subscription of %q: %w", r.Connection, journal.ErrNotAwaited)
	case known == secret:
		return nil
	}
	return reg.setSecret(ctx, key, secret)
}

// drop deletes a subscription. The secret is deleted last, so that a
// subscription that is still stored has its secret.
func (reg *registry) drop(ctx context.Context, s journal.Subscription) error {
	if err := reg.store.DropSubscription(ctx, s.Key); err != nil {
		return err
	}
	reg.mu.Lock()
	delete(reg.rows, s.Key)
	reg.mu.Unlock()
	if err := reg.secrets.Remove(ctx, s.Connection, s.Key); err != nil {
		return fmt.Errorf("delete the secret of a subscription: %w", err)
	}
	return nil
}
