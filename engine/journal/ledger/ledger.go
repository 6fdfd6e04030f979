package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/journal"
)

// Config is what New needs. All fields but Log are required.
type Config struct {
	Store    Store
	Dispatch Dispatch
	Clock    clock.Clock
	// Log receives messages for the operator; nil means no messages.
	Log *slog.Logger
	// MaxQueued bounds the runs that have not ended.
	MaxQueued int
	// Salt is the end of each run id.
	Salt uint16
	// Wake is when the first run in the store is due, in microseconds since 1970,
	// zero for none.
	Wake int64
	// Restored is when the store was restored from a backup, in microseconds since
	// 1970, zero if it never was.
	Restored int64
}

// Ledger implements the methods of journal.Store that change something. A caller
// whose context ends while its write waits gets the context's error; the write
// may still happen.
type Ledger struct {
	store     Store
	dispatch  Dispatch
	clock     clock.Clock
	log       *slog.Logger
	maxQueued int
	salt      uint16
	restored  int64
	queue     *queue
	stopped   chan struct{}

	// Used by the committing goroutine only.
	batch batch
	timer wakeTimer

	health health
}

// New starts the committing goroutine; Close ends it.
func New(cfg Config) *Ledger {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{
		store: cfg.Store, dispatch: cfg.Dispatch, clock: cfg.Clock, log: cfg.Log, maxQueued: cfg.MaxQueued, salt: cfg.Salt, restored: cfg.Restored,
		queue: newQueue(), stopped: make(chan struct{}), timer: wakeTimer{at: cfg.Wake}, health: health{clock: cfg.Clock, log: cfg.Log},
	}
	l.batch.init(l)
	go l.run()
	return l
}

// Close commits the waiting tasks and ends the goroutine. Later calls return
// journal.ErrClosed.
func (l *Ledger) Close() {
	l.queue.close()
	<-l.stopped
}

// Next implements journal.Store.
func (l *Ledger) Next(ctx context.Context) (journal.Activation, error) { return l.dispatch.Next(ctx) }

// InTransaction calls f in a transaction of its own, between batches. It is for
// changes that a store makes without a decision, such as pruning.
func (l *Ledger) InTransaction(ctx context.Context, f func(Tx) error) error {
	return l.queue.do(ctx, &txTask{waiter: newWaiter(), do: f})
}

type txTask struct {
	waiter
	do     func(Tx) error
	writes bool // do writes something whenever it succeeds
}

func (t *txTask) collect(*batch)        {}
func (t *txTask) decide(b *batch) error { return nil }

// maxBatch bounds the tasks of one transaction, and so how long a task waits.
const maxBatch = 512

func (l *Ledger) run() {
	defer close(l.stopped)
	for {
		failing := l.health.failing.Load()
		timer, stop := l.timer.set(l.clock, failing)
		tasks := l.queue.receive(timer)
		stop()
		switch {
		case l.timer.due(l.clock.Now()):
			l.commit([]task{&timerTask{waiter: newWaiter()}})
		case failing && len(tasks) == 0:
			l.commit([]task{&txTask{waiter: newWaiter(), do: probe, writes: true}})
		}
		if len(tasks) == 0 {
			if l.queue.isClosed() {
				return
			}
			continue
		}
		for rest := tasks; len(rest) > 0; {
			n := batchLength(rest)
			l.commit(rest[:n])
			rest = rest[n:]
		}
		l.queue.reuse(tasks)
	}
}

// probe finds out whether writes succeed.
func probe(tx Tx) error { return tx.Probe(context.Background()) }

// single is a task that must be the only one of its batch: it reads lists of
// rows, and these lack the changes of earlier tasks of the batch.
type single interface{ single() }

func (*txTask) single() {}

// batchLength returns how many of the first tasks make one batch.
func batchLength(tasks []task) int {
	for i, t := range tasks[:min(len(tasks), maxBatch)] {
		if _, alone := t.(single); alone {
			return max(i, 1)
		}
	}
	return min(len(tasks), maxBatch)
}

// commit commits tasks together. If that fails it commits each alone, so that one
// task that cannot be committed does not make the others fail.
func (l *Ledger) commit(tasks []task) {
	opened, wrote, err := l.transact(tasks)
	if err != nil && opened && len(tasks) > 1 {
		for i := range tasks {
			l.commit(tasks[i : i+1])
		}
		return
	}
	if err != nil && !errors.Is(err, journal.ErrFenced) && !errors.Is(err, journal.ErrUnwritable) {
		err = fmt.Errorf("%w: %w", journal.ErrUnwritable, err)
	}
	switch {
	case err != nil:
		l.health.failed(err)
	case wrote:
		l.health.written()
	}
	for _, t := range tasks {
		waiter := t.base()
		if err != nil {
			waiter.done <- err
		} else {
			waiter.done <- waiter.refused
		}
	}
}

// transact commits tasks in one transaction. opened reports whether the store
// opened a transaction, wrote whether it had something to write: on a full disk,
// a transaction without changes can be committed.
func (l *Ledger) transact(tasks []task) (opened, wrote bool, err error) {
	b := &l.batch
	b.now = l.clock.Now()
	b.want.Counts = true
	defer b.clear()
	ctx := context.Background()
	err = l.store.Transact(ctx, func(tx Tx) error {
		opened = true
		if t, alone := tasks[0].(*txTask); alone {
			wrote = t.writes
			return t.do(tx)
		}
		if err := b.resolve(ctx, tx, tasks); err != nil {
			return err
		}
		if changes := b.net(); changes != nil {
			wrote = true
			return tx.Write(ctx, changes)
		}
		return nil
	})
	if err != nil {
		l.dispatch.Abort()
		return opened, wrote, err
	}
	l.dispatch.Apply(b.moves)
	l.timer.apply(b)
	for _, hook := range b.newRules {
		l.log.Info("a hook's lanes have changed; its runs from before come first", "hook", hook.Script+" "+hook.Name)
	}
	return opened, wrote, nil
}

// resolve loads rows and decides the tasks until each is decided or refused.
func (b *batch) resolve(ctx context.Context, tx Tx, tasks []task) error {
	for _, t := range tasks {
		t.base().refused = nil
		t.collect(b)
	}
	for {
		if err := b.load(ctx, tx); err != nil {
			return err
		}
		b.live, b.last = b.rows.Live, b.rows.Last
		refused, err := b.decide(tasks)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, errMore):
			return err
		case !refused && b.want.none():
			return errors.New("a batch needs rows that it does not name") // the loop would not end
		}
		b.reset()
	}
}

// decide decides tasks one after the other on the loaded rows. It returns errMore
// if it must be called again: after further rows are loaded or, with refused,
// without the changes of a task that was refused.
func (b *batch) decide(tasks []task) (refused bool, err error) {
	var more error
	for _, t := range tasks {
		waiter := t.base()
		if waiter.refused != nil {
			continue
		}
		before := b.changeCount
		err := t.decide(b)
		var refusal *refusal
		switch {
		case err == nil:
		case errors.Is(err, errMore):
			more = err
		case !errors.As(err, &refusal):
			return false, err
		case more != nil: // refused perhaps for rows that are not loaded yet
		default:
			if waiter.refused = refusal.error; b.changeCount != before {
				return true, errMore
			}
		}
	}
	return false, more
}

// errMore is the error of a decision that needs rows which are not loaded.
var errMore = errors.New("further rows are needed")

// refusal is an error of one task. It does not fail the batch.
type refusal struct{ error }

func (r *refusal) Unwrap() error { return r.error }

func refuse(err error) error { return &refusal{err} }

func refusef(format string, args ...any) error { return &refusal{fmt.Errorf(format, args...)} }

// parse returns the number of a run by its id.
func (l *Ledger) parse(id string) (int64, error) {
	seq, salt, ok := journal.ParseRunID(id)
	if !ok || salt != l.salt {
		return 0, journal.ErrNotFound
	}
	return seq, nil
}

func (l *Ledger) id(seq int64) string { return journal.RunID(seq, l.salt) }

func sorted(seqs []int64) []int64 {
	slices.Sort(seqs)
	return slices.Compact(seqs)
}
