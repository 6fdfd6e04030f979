package datafile

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// Guard has why a store must not be used any more, once that was found. It is safe
// for concurrent use.
type Guard struct {
	*Opened
	stop func(error)

	err     atomic.Pointer[error]
	checked atomic.Int64 // when the files were last compared, in Unix nanoseconds
	once    sync.Once
	done    chan struct{}
}

// NewGuard returns a guard of files. It calls stop once, with the error that ends the
// use of the store.
func NewGuard(files *Opened, stop func(error)) *Guard {
	return &Guard{Opened: files, stop: stop, done: make(chan struct{})}
}

// Check returns the error that ended the use of the store. It compares the files: if
// they are no longer those in the folder the error is journal.ErrReplaced.
func (g *Guard) Check() error {
	if err := g.Err(); err != nil {
		return err
	}
	if err := g.Opened.Check(); err != nil {
		return g.End(fmt.Errorf("%w: %w", journal.ErrReplaced, err))
	}
	g.checked.Store(time.Now().UnixNano())
	return nil
}

// checkInterval is how long a comparison of the files counts for what is not stored.
const checkInterval = 10 * time.Millisecond

// CheckOften is Check for what happens often and is not stored: the files are compared
// once in checkInterval, by this or by Check.
func (g *Guard) CheckOften() error {
	if age := time.Now().UnixNano() - g.checked.Load(); age >= 0 && age < int64(checkInterval) {
		return g.Err()
	}
	return g.Check()
}

// Err returns the error that ended the use of the store, nil if none has been found.
func (g *Guard) Err() error {
	if err := g.err.Load(); err != nil {
		return *err
	}
	return nil
}

// End ends the use of the store. It returns err, or the error that did so before.
func (g *Guard) End(err error) error {
	g.once.Do(func() {
		g.err.Store(&err)
		close(g.done)
		g.stop(err)
	})
	return g.Err()
}

// Done is closed once Err returns an error.
func (g *Guard) Done() <-chan struct{} { return g.done }
