package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// task is what a caller asks of the writer.
type task interface {
	// apply writes within the open transaction. It may be called anew after a
	// rollback. What cannot be done it refuses before it writes; the error it
	// returns is the file's.
	apply(w *writer) error
	slot() *ticket
}

// ticket is where a caller waits.
type ticket struct {
	done    chan error
	refused error
}

func newTicket() ticket         { return ticket{done: make(chan error, 1)} }
func (t *ticket) slot() *ticket { return t }

// queue holds the tasks that wait for the writer.
type queue struct {
	mu     sync.Mutex
	tasks  []task
	spare  []task
	closed bool
	wake   chan struct{} // holds one when there may be tasks
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// do gives the writer a task and waits for its commit.
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
	case err := <-t.slot().done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w before the write was known to be kept", ctx.Err())
	}
}

func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// gatherTurns is how often the writer stands back for callers that are about
// to ask, as those are whom the last commit let go.
const gatherTurns = 8

// take waits for tasks, or the ring, and gives all there are; none once the
// queue is closed and empty.
func (q *queue) take(ring <-chan time.Time) []task {
	select {
	case <-q.wake:
	case <-ring:
	}
	for before, turns := -1, 0; turns < gatherTurns; turns++ {
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
