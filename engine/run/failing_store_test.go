package run_test

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// failingStore is a store that fails from one of its durable writes on, as if the
// process had been killed just after it, or just before.
type failingStore struct {
	journal.Store
	mu         sync.Mutex
	at         int // the number of the write, from 1; 0: none fails
	before     bool
	writes     int
	writeError func(write int) error // the error of a write, nil to make it
	killed     chan struct{}         // closed once the store fails
	released   chan struct{}         // has one element after a lease was released
	changed    chan struct{}         // closed and replaced at each write
}

func (b *failingStore) write(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		close(b.changed)
		b.changed = make(chan struct{})
	}()
	if b.isKilled() {
		return journal.ErrClosed
	}
	b.writes++
	if b.writeError != nil {
		if err := b.writeError(b.writes); err != nil {
			return err
		}
	}
	if b.writes != b.at {
		return do()
	}
	if !b.before {
		_ = do()
	}
	close(b.killed)
	return journal.ErrClosed
}

func (b *failingStore) isKilled() bool {
	select {
	case <-b.killed:
		return true
	default:
		return false
	}
}

// kill makes the store fail from now on.
func (b *failingStore) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isKilled() {
		close(b.killed)
	}
}

// next returns a channel that is closed at the next write.
func (b *failingStore) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

func (b *failingStore) Record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (result json.RawMessage, err error) {
	err = b.write(func() (err error) {
		result, err = b.Store.Record(ctx, h, step, effect)
		return err
	})
	return result, err
}

func (b *failingStore) Park(ctx context.Context, h journal.Lease, park journal.Park) error {
	return b.write(func() error { return b.Store.Park(ctx, h, park) })
}

func (b *failingStore) Finish(ctx context.Context, h journal.Lease, o journal.Finish) error {
	return b.write(func() error { return b.Store.Finish(ctx, h, o) })
}

func (b *failingStore) Release(h journal.Lease) error {
	if b.isKilled() {
		return journal.ErrClosed
	}
	select {
	case b.released <- struct{}{}:
	default:
	}
	return b.Store.Release(h)
}
