package run_test

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/tidewire/tidewire/engine/journal"
)

// brittle is a store that dies at one of its durable writes, as if the process
// had been killed just after it, or just before.
type brittle struct {
	journal.Store
	mu     sync.Mutex
	at     int // the write, from 1; 0: it lives
	before bool
	writes int
	broken func(write int) error // what a write meets instead
	dead   chan struct{}
	moved  chan struct{}
}

func (b *brittle) write(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() {
		close(b.moved)
		b.moved = make(chan struct{})
	}()
	if b.isDead() {
		return journal.ErrClosed
	}
	b.writes++
	if b.broken != nil {
		if err := b.broken(b.writes); err != nil {
			return err
		}
	}
	if b.writes != b.at {
		return do()
	}
	if !b.before {
		_ = do()
	}
	close(b.dead)
	return journal.ErrClosed
}

func (b *brittle) isDead() bool {
	select {
	case <-b.dead:
		return true
	default:
		return false
	}
}

// kill lets it die now.
func (b *brittle) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isDead() {
		close(b.dead)
	}
}

func (b *brittle) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.moved
}

func (b *brittle) Record(ctx context.Context, h journal.Lease, step journal.Step, effect journal.Effect) (result json.RawMessage, err error) {
	err = b.write(func() (err error) {
		result, err = b.Store.Record(ctx, h, step, effect)
		return err
	})
	return result, err
}

func (b *brittle) Park(ctx context.Context, h journal.Lease, park journal.Park) error {
	return b.write(func() error { return b.Store.Park(ctx, h, park) })
}

func (b *brittle) Finish(ctx context.Context, h journal.Lease, o journal.Finish) error {
	return b.write(func() error { return b.Store.Finish(ctx, h, o) })
}

func (b *brittle) Release(h journal.Lease) error {
	if b.isDead() {
		return journal.ErrClosed
	}
	return b.Store.Release(h)
}
