package ledger

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// task is what a caller asks to be committed.
type task interface {
	// collect names rows that the task needs.
	collect(b *batch)
	// decide decides in memory. It may be called several times, each time from
	// the beginning. It returns errMore if it needs rows that were not loaded. A
	// *refusal refuses the task; any other error fails the batch.
	decide(b *batch) error
	// base returns the waiter that each task embeds.
	base() *waiter
}

// waiter is the caller of a task, which waits for its result.
type waiter struct {
	done    chan error // receives the result
	refused error      // the result of a refused task, until the batch is committed
}

func newWaiter() waiter         { return waiter{done: make(chan error, 1)} }
func (t *waiter) base() *waiter { return t }

// queue is the tasks that wait to be committed.
type queue struct {
	mu     sync.Mutex
	tasks  []task
	spare  []task
	closed bool
	wake   chan struct{} // has one element while there may be tasks
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// do adds a task and waits for its commit.
func (q *queue) do(ctx context.Context, t task) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return journal.ErrClosed
	}
	q.tasks = append(q.tasks, t)
	first := len(q.tasks) == 1
	q.mu.Unlock()
	if first {
		q.signal()
	}
	select {
	case err := <-t.base().done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w before the write was known to be committed", ctx.Err())
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// maxYields is how often receive yields the processor to callers that are about
// to add a task. The last commit has released them.
const maxYields = 8

// receive waits for tasks, or for the timer, and returns all tasks. It returns
// none at once when the queue is closed and empty.
func (q *queue) receive(timer <-chan time.Time) []task {
	select {
	case <-q.wake:
	case <-timer:
	}
	for before, yields := -1, 0; yields < maxYields; yields++ {
		q.mu.Lock()
		waiting := len(q.tasks)
		q.mu.Unlock()
		if waiting == before {
			break
		}
		before = waiting
		runtime.Gosched()
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	all := q.tasks
	q.tasks, q.spare = q.spare[:0], nil
	if q.closed && len(all) > 0 {
		q.signal() // for one more call, which returns none
	}
	return all
}

// reuse lets a later call of receive return the memory of a slice that the caller
// no longer needs.
func (q *queue) reuse(tasks []task) {
	clear(tasks)
	q.mu.Lock()
	q.spare = tasks[:0]
	q.mu.Unlock()
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed && len(q.tasks) == 0
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}
