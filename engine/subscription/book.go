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

// book is what is registered, in memory and kept.
type book struct {
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

func openBook(ctx context.Context, store Store, secrets Secrets) (*book, error) {
	b := &book{store: store, secrets: secrets, rows: map[string]*row{}}
	all, err := store.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		r := &row{Subscription: s}
		r.secret, r.unread = secrets.Load(ctx, s.Connection, s.Key)
		b.rows[s.Key] = r
	}
	return b, nil
}

// find gives a subscription and its secret.
func (b *book) find(key string) (journal.Subscription, string, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	r := b.rows[key]
	switch {
	case r == nil:
		return journal.Subscription{}, "", fmt.Errorf("find a subscription: %w", journal.ErrNotFound)
	case r.unread != nil:
		return journal.Subscription{}, "", fmt.Errorf("read the secret of a subscription of %q: %w", r.Connection, r.unread)
	}
	return r.Subscription, r.secret, nil
}

// all gives the subscriptions that pick takes, in a stable order.
func (b *book) all(pick func(journal.Subscription) bool) (all []journal.Subscription) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, r := range b.rows {
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

// add keeps a new one with its secret, before the vendor hears of it. With
// waiting it takes the secret that the vendor chooses, until it is put again.
func (b *book) add(ctx context.Context, s journal.Subscription, secret string, waiting bool) error {
	if secret != "" {
		if err := b.secrets.Save(ctx, s.Connection, s.Key, secret); err != nil {
			return fmt.Errorf("keep the secret of a subscription: %w", err)
		}
	}
	if err := b.store.PutSubscription(ctx, s); err != nil {
		return errors.Join(err, b.secrets.Remove(ctx, s.Connection, s.Key))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rows[s.Key] = &row{Subscription: s, secret: secret, waiting: waiting}
	return nil
}

// put keeps what changed of one, which waits for no secret from then on.
func (b *book) put(ctx context.Context, s journal.Subscription) error {
	if err := b.store.PutSubscription(ctx, s); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.rows[s.Key]; r != nil {
		r.Subscription, r.waiting = s, false
	}
	return nil
}

// setSecret keeps the secret that a vendor chose.
func (b *book) setSecret(ctx context.Context, key, secret string) error {
	b.mu.RLock()
	r := b.rows[key]
	b.mu.RUnlock()
	if r == nil {
		return fmt.Errorf("keep the secret of a subscription: %w", journal.ErrNotFound)
	}
	if err := b.secrets.Save(ctx, r.Connection, key, secret); err != nil {
		return fmt.Errorf("keep the secret of a subscription: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r.secret, r.unread = secret, nil
	return nil
}

// errNotWaiting refuses a secret that nobody asked for.
var errNotWaiting = errors.New("no secret of the vendor's is waited for")

// confirm takes the secret that the vendor chose, the first one that comes
// while it is waited for. The same again is taken again.
func (b *book) confirm(ctx context.Context, key, secret string) error {
	b.confirming.Lock()
	defer b.confirming.Unlock()
	b.mu.RLock()
	r := b.rows[key]
	var waiting bool
	var known string
	if r != nil {
		waiting, known = r.waiting, r.secret
	}
	b.mu.RUnlock()
	switch {
	case r == nil:
		return fmt.Errorf("confirm a subscription: %w", journal.ErrNotFound)
	case !waiting, known != "" && known != secret:
		return fmt.Errorf("confirm a subscription of %q: %w", r.Connection, errNotWaiting)
	case known == secret:
		return nil
	}
	return b.setSecret(ctx, key, secret)
}

// drop forgets one. The secret goes last: without it a subscription that comes
// back would be one that cannot be checked.
func (b *book) drop(ctx context.Context, s journal.Subscription) error {
	if err := b.store.DropSubscription(ctx, s.Key); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.rows, s.Key)
	b.mu.Unlock()
	if err := b.secrets.Remove(ctx, s.Connection, s.Key); err != nil {
		return fmt.Errorf("forget the secret of a subscription: %w", err)
	}
	return nil
}
