package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// The bounds of what an event may bring.
const (
	maxID   = 1 << 10
	maxData = 64 << 20
)

// arrival is a journal.Arrival with all worked out that needs no file.
type arrival struct {
	event  journal.Event
	named  []*journal.Hook // the hooks that name the trigger
	runs   []journey
	keep   bool
	tick   time.Time
	flood  int
	mark   *journal.Mark
	fields journal.Fields
}

// journey is a run that an arrival may make.
type journey struct {
	hook   *journal.Hook
	lane   string
	passes bool // its where; what watches a change must know of the others too
}

func (a *arrival) fill(from *journal.Arrival) error {
	a.event = from.Event
	e := &a.event
	switch {
	case e.ID == "" || e.Type == "":
		return fmt.Errorf("event %q of type %q: an event needs an id and a type", e.ID, e.Type)
	case len(e.ID) > maxID:
		return fmt.Errorf("event %q…: the id has %d bytes, at most %d are allowed", e.ID[:60], len(e.ID), maxID)
	case len(e.Data) > maxData:
		return fmt.Errorf("event %q: the data has %d bytes, at most %d are allowed", e.ID, len(e.Data), maxData)
	case len(e.Data) > 0 && !journal.ValidJSON(e.Data):
		return fmt.Errorf("event %q: the data is not JSON", e.ID)
	}
	e.Time = atRest(e.Time)
	e.Received = atRest(e.Received)
	a.named, a.tick, a.flood, a.mark, a.fields = from.Hooks, from.Tick, from.Flood, from.Mark, from.Fields
	a.keep = from.Keep || len(from.Hooks) > 0
	for _, h := range from.Hooks {
		if h.Connection != "" && h.Connection != e.Connection {
			continue
		}
		if passes := h.Matches(e); passes || h.Changed != "" {
			a.runs = append(a.runs, journey{h, h.LaneKey(e), passes})
		}
	}
	return nil
}

// most is how many runs the arrival can make.
func (a *arrival) most() (n int) {
	for _, j := range a.runs {
		if j.passes {
			n++
		}
	}
	return n
}

func fillAll(from []journal.Arrival) ([]arrival, error) {
	all := make([]arrival, len(from))
	for i := range from {
		if err := all[i].fill(&from[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// atRest gives a time as the file keeps it.
func atRest(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC().Truncate(time.Microsecond)
}

type acceptTask struct {
	ticket
	arrivals []arrival
	receipts []journal.Receipt
}

// Accept implements journal.Store.
func (s *Store) Accept(ctx context.Context, arrivals ...journal.Arrival) ([]journal.Receipt, error) {
	filled, err := fillAll(arrivals)
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	t := &acceptTask{ticket: newTicket(), arrivals: filled, receipts: make([]journal.Receipt, len(arrivals))}
	writes := false
	for i := range filled {
		writes = writes || filled[i].keep
	}
	if !writes {
		return t.receipts, nil
	}
	if err := s.writer.queue.do(ctx, t); err != nil {
		return nil, fmt.Errorf("accept %s: %w", t.name(), err)
	}
	return t.receipts, nil
}

func (t *acceptTask) name() string {
	if len(t.arrivals) == 1 {
		return fmt.Sprintf("event %q", t.arrivals[0].event.ID)
	}
	return fmt.Sprintf("%d events", len(t.arrivals))
}

func (t *acceptTask) apply(w *writer) error {
	if room, err := t.room(w); err != nil || !room {
		return err
	}
	return t.write(w)
}

// room refuses what would be more runs than may wait.
func (t *acceptTask) room(w *writer) (bool, error) {
	runs := 0
	for i := range t.arrivals {
		runs += t.arrivals[i].most()
	}
	if w.live+runs > w.maxQueued {
		if known, err := w.allSeen(t.arrivals); err != nil || !known {
			t.refused = w.tooMany()
			return false, err
		}
	}
	return true, nil
}

func (t *acceptTask) write(w *writer) error {
	for i := range t.arrivals {
		receipt, err := w.accept(&t.arrivals[i])
		if err != nil {
			return err
		}
		t.receipts[i] = receipt
	}
	return nil
}

func (w *writer) tooMany() error {
	return fmt.Errorf("%w: %d runs wait already, the bound is %d", journal.ErrFull, w.live, w.maxQueued)
}

// allSeen reports whether nothing new would be kept: a repeat is answered as
// one also where there is no room for more.
func (w *writer) allSeen(arrivals []arrival) (bool, error) {
	for i := range arrivals {
		if !arrivals[i].keep {
			continue
		}
		if known, err := w.isSeen(arrivals[i].event.ID); err != nil || !known {
			return false, err
		}
	}
	return true, nil
}

// accept writes one arrival.
func (w *writer) accept(a *arrival) (receipt journal.Receipt, err error) {
	if !a.keep {
		return receipt, nil
	}
	if !a.tick.IsZero() {
		if err := w.tick(a); err != nil {
			return receipt, err
		}
	}
	e := &a.event
	seq := w.seq()
	added, err := w.addSeen(e.ID, seq)
	if err != nil {
		return receipt, err
	}
	if !added {
		return journal.Receipt{Duplicate: true}, nil
	}
	if a.mark != nil {
		if told, err := w.push(a.mark); told || err != nil {
			return journal.Receipt{Duplicate: told}, err
		}
	}
	now := w.time.UnixMicro()
	received := now
	if !e.Received.IsZero() {
		received = e.Received.UnixMicro()
	} else {
		e.Received = atRest(w.time)
	}
	doubt, err := w.echo(e, a.fields)
	if err != nil {
		return receipt, err
	}
	echo := int64(0)
	if e.Echo {
		echo = 1
	}
	if _, err := w.sql.addEvent.run(seq, e.ID, e.Type, e.Connection, e.Account, string(e.Source), e.Record,
		echo, micro(e.Time), received, blob(e.Data)); err != nil {
		return receipt, err
	}
	receipt.Kept, receipt.Echo = true, e.Echo
	high := false
	if a.flood > 0 {
		high, receipt.Flood = w.tides.rise(e.Type, a.flood, w.time)
	}
	if (doubt != writtenStep{}) {
		if err := w.doubt(seq, a, doubt); err != nil {
			return receipt, err
		}
		return receipt, w.answer(&receipt, seq, e)
	}
	for _, j := range a.runs {
		if err := w.start(&receipt, seq, e, j, high); err != nil {
			return receipt, err
		}
	}
	return receipt, w.answer(&receipt, seq, e)
}

// start makes the run of a hook, if it is to be.
func (w *writer) start(receipt *journal.Receipt, event int64, e *journal.Event, j journey, high bool) error {
	hook, hookErr := w.hookID(j.hook.Script, j.hook.Name)
	version, versionErr := w.versionID(j.hook.Version)
	if err := errors.Join(hookErr, versionErr); err != nil {
		return err
	}
	if j.hook.Changed != "" {
		if differs, err := w.changed(hook, e, j.hook.Changed); err != nil || !differs {
			return err
		}
	}
	if !j.passes || e.Echo && !j.hook.Echo {
		return nil
	}
	n := birth{event: event, hook: hook, version: version, lane: j.lane, rule: j.hook.Lane.Rule(), paused: high, fresh: &fresh{event: e, hook: j.hook, created: atRest(w.time)}}
	overlap := j.hook.Overlap
	switch {
	case j.lane != "" && j.hook.Debounce > 0:
		return w.debounce(receipt, n, j.hook)
	case j.lane == "", overlap == "", overlap == journal.OverlapQueue:
	case overlap == journal.OverlapParallel:
		n.lane = ""
	default:
		skip, replaced, err := w.overlap(overlap, hook, j.lane, 0)
		if err != nil {
			return err
		}
		if skip != 0 {
			receipt.Skipped = append(receipt.Skipped, j.hook.Script+" "+j.hook.Name)
			return nil
		}
		if overlap == journal.OverlapReplace {
			n.overlap = replace
		}
		for _, seq := range replaced {
			receipt.Replaced = append(receipt.Replaced, journal.RunID(seq, w.salt))
		}
	}
	seq, err := w.addRun(n)
	receipt.Runs = append(receipt.Runs, journal.RunID(seq, w.salt))
	return err
}

// birth is a run to be.
type birth struct {
	event, hook, version int64
	lane, rule           string
	paused               bool
	fresh                *fresh
	// overlap is how it meets those of its lane: of one that is queued later,
	// then; of others replace, for those that are to stand.
	overlap int64
	wake    int64 // of one that is queued later: when
}

func (w *writer) addRun(n birth) (seq int64, err error) {
	rule, err := w.rule(n.hook, n.rule)
	if err != nil {
		return 0, err
	}
	seq = w.seq()
	state, merging, wake := queued, int64(0), any(nil)
	if n.wake != 0 {
		state, merging, wake = later, 1, n.wake
		w.alarm.before(n.wake)
	}
	if _, err := w.sql.addRun.run(seq, n.event, n.hook, n.version, n.lane, merging, n.overlap, state, w.time.UnixMicro(), wake, rule); err != nil {
		return 0, err
	}
	w.live++
	if state == queued && n.paused {
		if _, err := w.sql.pauseRun.run(seq, w.time.UnixMicro()); err != nil {
			return 0, err
		}
		n.fresh = nil // nobody knows for how long
	}
	if state == queued {
		w.enter(&run{seq: seq, hook: n.hook, lane: n.lane, rule: rule, paused: n.paused, fresh: n.fresh, kept: kept{known: true}})
	}
	return seq, nil
}

// tick keeps the time of a schedule's tick as its last.
func (w *writer) tick(a *arrival) error {
	for _, h := range a.named {
		id, err := w.hookID(h.Script, h.Name)
		if err != nil {
			return err
		}
		if _, err := w.sql.tick.run(id, a.tick.UnixMicro()); err != nil {
			return err
		}
	}
	return nil
}
