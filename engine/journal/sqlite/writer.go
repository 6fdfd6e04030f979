package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// writer is the one goroutine that changes the file. Its fields are its own
// once it works.
type writer struct {
	conn     *conn
	sql      statements
	queue    *queue
	dispatch *dispatcher
	now      func() time.Time
	log      *slog.Logger
	stopped  chan struct{}

	owner     int64
	salt      uint16
	last      int64 // the newest seq
	live      int   // runs that are not over
	maxQueued int
	ids       names
	failing   bool // the last write

	alarm   alarm
	tides   tides
	writes  writes
	seen    seen
	awaited map[string]map[string]bool // trigger to the paths that found its waiting runs

	// Of the open transaction.
	time    time.Time
	moves   []move
	entered map[int64]*run // by it; nil: removed
	pulled  []*run
	undo    []undo
	settled []writtenStep
	decided []writtenStep
}

// undo is what memory said before the transaction.
type undo struct {
	run  *run
	kept kept
}

func newWriter(c *conn, d *dispatcher, found found, cfg Config) (*writer, error) {
	w := &writer{
		conn: c, dispatch: d, now: cfg.Now, log: cfg.Log, queue: newQueue(), stopped: make(chan struct{}),
		owner: found.owner, salt: found.salt, last: found.last, live: found.live, maxQueued: cfg.MaxQueued,
		ids: newNames(), alarm: alarm{timer: cfg.Timer, at: found.wake}, awaited: found.awaited, seen: found.seen, tides: found.tides, writes: found.writes, entered: map[int64]*run{},
	}
	return w, w.sql.prepare(c)
}

// maxBatch bounds the tasks of one transaction, so that none waits long.
const maxBatch = 512

func (w *writer) work() {
	defer close(w.stopped)
	for {
		ring, stop := w.alarm.set(w.now(), w.failing)
		tasks := w.queue.take(ring)
		stop()
		if w.alarm.due(w.now()) {
			w.keep([]task{newTimerTask()})
		}
		if len(tasks) == 0 {
			if w.queue.isClosed() {
				return
			}
			continue
		}
		for rest := tasks; len(rest) > 0; {
			n := min(len(rest), maxBatch)
			w.keep(rest[:n])
			rest = rest[n:]
		}
		w.queue.reuse(tasks)
	}
}

// close lets the writer finish what waits.
func (w *writer) close() {
	w.queue.close()
	<-w.stopped
}

// keep commits tasks together. If that fails each is tried alone, so that a
// task which cannot be kept takes no other with it.
func (w *writer) keep(tasks []task) {
	begun, err := w.transact(tasks)
	if err != nil && begun && len(tasks) > 1 {
		for i := range tasks {
			w.keep(tasks[i : i+1])
		}
		return
	}
	if err = explain(err); err != nil && !errors.Is(err, journal.ErrFenced) {
		err = fmt.Errorf("%w: %w", journal.ErrUnwritten, err)
	}
	w.report(err)
	for _, t := range tasks {
		ticket := t.slot()
		if err != nil {
			ticket.done <- err
		} else {
			ticket.done <- ticket.refused
		}
	}
}

// report tells the operator once when writes begin to fail, and once when they
// succeed again.
func (w *writer) report(err error) {
	switch {
	case err != nil && !w.failing:
		w.log.Error("events are refused, and runs stand, until the journal can be written", "error", err)
	case err == nil && w.failing:
		w.log.Info("the journal is written again")
	}
	w.failing = err != nil
}

// transact reports also whether there was a transaction to write in.
func (w *writer) transact(tasks []task) (begun bool, err error) {
	w.time = w.now()
	w.moves, w.pulled, w.undo = w.moves[:0], w.pulled[:0], w.undo[:0]
	w.settled, w.decided = w.settled[:0], w.decided[:0]
	clear(w.entered)
	live, alarm := w.live, w.alarm.at
	defer func() { w.dispatch.unpull(w.pulled) }()
	if _, err := w.conn.begin.run(); err != nil {
		return false, err
	}
	defer func() {
		if err == nil {
			return
		}
		w.conn.undo()
		w.live, w.alarm.at = live, alarm // who was due is due still
		w.ids.forget()
		for i := len(w.undo) - 1; i >= 0; i-- {
			w.undo[i].run.kept = w.undo[i].kept
		}
	}()
	if err := w.stillOwner(); err != nil {
		return false, err
	}
	for _, t := range tasks {
		t.slot().refused = nil
		if err := t.apply(w); err != nil {
			return true, err
		}
	}
	if _, err := w.conn.commit.run(); err != nil {
		return true, err
	}
	w.ids.settle()
	for _, step := range w.settled {
		delete(w.writes.steps, step)
	}
	for _, step := range w.decided {
		delete(w.writes.doubts, step)
	}
	w.dispatch.update(w.moves)
	return true, nil
}

// stillOwner fences a store whose file was opened by another since, in case
// the lock was of no use, as on some network drives.
func (w *writer) stillOwner() error {
	owner, err := w.sql.owner.one()
	if err != nil {
		return err
	}
	if owner != w.owner {
		return fmt.Errorf("%w: another engine opened the journal", journal.ErrFenced)
	}
	return nil
}

// change notes what memory says of a run before the transaction changes it.
func (w *writer) change(r *run) *kept {
	w.undo = append(w.undo, undo{r, r.kept})
	return &r.kept
}

// enter gives a run its place once the transaction is kept.
func (w *writer) enter(r *run) {
	w.entered[r.seq] = r
	w.moves = append(w.moves, move{r, enter})
}

// remove takes a run out of memory once the transaction is kept. From now on
// its holder holds it no longer.
func (w *writer) remove(r *run) {
	w.change(r).fence = over
	w.entered[r.seq] = nil
	w.moves = append(w.moves, move{r, remove})
}

// find gives a run in memory, as the transaction leaves it, and whether it is
// handed out.
func (w *writer) find(seq int64) (r *run, executing bool) {
	if r, ok := w.entered[seq]; ok {
		return r, false
	}
	return w.dispatch.find(seq)
}

// pull keeps a queued run from being handed out while the transaction changes
// it. It reports false where it is handed out.
func (w *writer) pull(r *run) bool {
	if !w.dispatch.pull(r) {
		return false
	}
	w.pulled = append(w.pulled, r)
	return true
}

// seq gives the next number of a row: the time in microseconds, or one more
// than the last.
func (w *writer) seq() int64 {
	w.last = max(w.last+1, w.time.UnixMicro())
	return w.last
}
