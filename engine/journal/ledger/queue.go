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
	// collect asks for the rows that the task is known to need.
	collect(b *batch)
	// decide decides in memory. It may be called several times, each time from
	// the beginning; it returns errMore where it needs rows that were not
	// loaded. A *refusal refuses the task; any other error fails the batch.
	decide(b *batch) error
	base() *waiter
}

// waiter is where a caller waits.
type waiter struct {
	done    chan error
	refused error
}

func newWaiter() waiter         { return waiter{done: make(chan error, 1)} }
func (t *waiter) base() *waiter { return t }

// queue holds the tasks that wait to be committed.
type queue struct {
	mu     sync.Mutex
	tasks  []task
	spare  []task
	closed bool
	wake   chan struct{} // holds one when there may be tasks
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

// maxYields is how often take yields the processor to callers that are about
// to ask, as those are whom the last commit released.
const maxYields = 8

// receive waits for tasks, or for the timer, and gives all there are; none once
// the queue is closed and empty.
func (q *queue) receive(timer <-chan time.Time) []task {
	select {
	case <-q.wake:
	case <-timer:
	}
	for before, turns := -1, 0; turns < maxYields; turns++ {
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
		q.signal() // once more, to find it empty
	}
	return all
}

// reuse takes back a slice that take gave.
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
