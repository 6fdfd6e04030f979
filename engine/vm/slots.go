package vm

import (
	"container/list"
	"context"
	"sync"
	"sync/atomic"
)

// slots shares the Lua slots among scripts. Scripts that wait get one in turn, and the
// activations of one script in the order in which they began to wait: a script with many
// activations delays another by one of its slices for each slot.
type slots struct {
	mu      sync.Mutex
	free    int
	waiting map[string]*list.List // of *waiter, by script; none is empty
	ring    list.List             // of the scripts in waiting; the first has the next turn
	waiters atomic.Int64
}

// waiter is an activation that waits for a slot.
type waiter struct {
	script string
	ready  chan struct{} // closed when it has one
}

func newSlots(n int) *slots {
	return &slots{free: n, waiting: map[string]*list.List{}}
}

// contended reports whether somebody waits for a slot.
func (s *slots) contended() bool { return s.waiters.Load() > 0 }

// acquire waits for a slot. Its error is that of ctx.
func (s *slots) acquire(ctx context.Context, script string) error {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	w := &waiter{script: script, ready: make(chan struct{})}
	queue := s.waiting[script]
	if queue == nil {
		queue = list.New()
		s.waiting[script] = queue
		s.ring.PushBack(script)
	}
	place := queue.PushBack(w)
	s.waiters.Add(1)
	s.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	select {
	case <-w.ready: // at the same moment
		s.mu.Unlock()
		s.release()
	default:
		s.remove(queue, place, script)
		s.mu.Unlock()
	}
	return ctx.Err()
}

// release returns a slot: it is that of the next script that waits.
func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.ring.Front()
	if next == nil {
		s.free++
		return
	}
	script := next.Value.(string)
	queue := s.waiting[script]
	place := queue.Front()
	s.ring.MoveToBack(next)
	close(place.Value.(*waiter).ready)
	s.remove(queue, place, script)
}

// remove removes a waiter from the queue of its script.
func (s *slots) remove(queue *list.List, place *list.Element, script string) {
	queue.Remove(place)
	s.waiters.Add(-1)
	if queue.Len() > 0 {
		return
	}
	delete(s.waiting, script)
	for e := s.ring.Front(); e != nil; e = e.Next() {
		if e.Value == script {
			s.ring.Remove(e)
			return
		}
	}
}
