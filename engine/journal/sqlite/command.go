package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// commandTask is what a person does to a run: do, if the run is in one of the
// states.
type commandTask struct {
	ticket
	seq  int64
	from []journal.State
	do   func(w *writer, s *standing) error
}

func (s *Store) command(ctx context.Context, verb, run string, from []journal.State, do func(*writer, *standing) error) error {
	seq, err := s.find(run)
	if err == nil {
		err = s.writer.queue.do(ctx, &commandTask{ticket: newTicket(), seq: seq, from: from, do: do})
	} else {
		err = journal.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s run %q: %w", verb, run, err)
	}
	return nil
}

func (t *commandTask) apply(w *writer) error {
	s, err := w.standing(t.seq)
	if err != nil {
		return err
	}
	if s == nil {
		t.refused = journal.ErrNotFound
		return nil
	}
	state := stateOf(s.state)
	if s.state == queued {
		if _, executing := w.find(s.seq); executing {
			state = journal.Running
		}
	}
	if !slices.Contains(t.from, state) {
		t.refused = fmt.Errorf("%w: it is %s, and would have to be %s", journal.ErrState, state, oneOf(t.from))
		return nil
	}
	err = t.do(w, s)
	var refusal *refusal
	if errors.As(err, &refusal) {
		t.refused = refusal.error
		return nil
	}
	return err
}

// refusal is an error of the caller, found before anything was written.
type refusal struct{ error }

func oneOf(all []journal.State) string {
	words := make([]string, len(all))
	for i, s := range all {
		words[i] = string(s)
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

var (
	anyLive   = slices.DeleteFunc(journal.States(), journal.State.Ended)
	anyParked = slices.DeleteFunc(journal.States(), func(s journal.State) bool { return !s.Parked() })
)

// Cancel implements journal.Store.
func (s *Store) Cancel(ctx context.Context, run string) error {
	return s.command(ctx, "cancel", run, anyLive, func(w *writer, s *standing) error { return w.endNow(s, cancelled, nil) })
}

// Wake implements journal.Store.
func (s *Store) Wake(ctx context.Context, run string) error {
	return s.command(ctx, "wake", run, []journal.State{journal.Retrying, journal.Throttled, journal.Blocked},
		func(w *writer, s *standing) error { return w.rouse(s) })
}

// Retry implements journal.Store.
func (s *Store) Retry(ctx context.Context, run string) error {
	return s.command(ctx, "retry", run, []journal.State{journal.Failed, journal.Cancelled}, func(w *writer, s *standing) error {
		number, again := 0, false
		err := w.sql.lastError.each(func(row []driver.Value) error {
			number = int(row[0].(int64))
			text, erred := row[1].([]byte)
			if !erred {
				return nil
			}
			var problem bindings.Error
			if err := json.Unmarshal(text, &problem); err != nil {
				return err
			}
			again = problem.Kind != bindings.Uncertain
			return nil
		}, s.seq)
		if err != nil {
			return err
		}
		if again {
			if err := w.drop(s.seq, number); err != nil {
				return err
			}
		}
		w.live++
		if _, err := w.sql.countAttempt.run(s.seq); err != nil {
			return err
		}
		return w.queueAgain(s, s.lane)
	})
}

// Migrate implements journal.Store.
func (s *Store) Migrate(ctx context.Context, run, version string) error {
	if version == "" {
		return fmt.Errorf("migrate run %q: no version is given", run)
	}
	return s.command(ctx, "migrate", run, anyParked, func(w *writer, s *standing) error {
		id, err := w.versionID(version)
		if err != nil {
			return err
		}
		if _, err := w.sql.rebind.run(s.seq, id); err != nil {
			return err
		}
		if s.state == blocked {
			return w.rouse(s)
		}
		return nil
	})
}

// Resolve implements journal.Store.
func (s *Store) Resolve(ctx context.Context, run string, v journal.Verdict, result json.RawMessage, follow ...journal.Arrival) error {
	fail := func(err error) error { return fmt.Errorf("resolve run %q: %w", run, err) }
	switch {
	case v != journal.Resend && v != journal.Skip && v != journal.Fail:
		return fail(fmt.Errorf("there is no verdict %q; there are %s, %s and %s", v, journal.Resend, journal.Skip, journal.Fail))
	case v != journal.Skip && len(result) > 0:
		return fail(fmt.Errorf("only %s takes a result", journal.Skip))
	case v != journal.Fail && len(follow) > 0:
		return fail(fmt.Errorf("only %s has what follows", journal.Fail))
	case len(result) > journal.MaxValue:
		return fail(tooLarge("result", len(result)))
	}
	if err := checkJSON("result", result); err != nil {
		return fail(err)
	}
	next, err := fillAll(follow)
	if err != nil {
		return fail(err)
	}
	packed := pack(result)
	return s.command(ctx, "resolve", run, []journal.State{journal.Held}, func(w *writer, s *standing) error {
		switch v {
		case journal.Fail:
			for i := range next {
				if _, err := w.accept(&next[i]); err != nil {
					return err
				}
			}
			return w.failHeld(s)
		case journal.Skip:
			if err := w.endMark(s, packed); err != nil {
				return err
			}
		default:
			if begun, err := w.sql.findMark.one(s.seq, int64(s.park.Step)); err != nil {
				return err
			} else if begun != nil {
				if err := w.drop(s.seq, s.park.Step); err != nil {
					return err
				}
			}
		}
		return w.rouse(s)
	})
}

// failHeld ends a held run with the problem that it was held with.
func (w *writer) failHeld(s *standing) error {
	problem := &journal.Problem{Message: "a call may or may not have been carried out, and it was decided to end the run"}
	text, err := w.sql.findProblem.one(s.seq)
	if err != nil {
		return err
	}
	if text, ok := text.([]byte); ok {
		problem = nil
		if err := json.Unmarshal(text, &problem); err != nil {
			return err
		}
	}
	return w.endNow(s, failed, problem)
}

// endMark makes the begun mark of a held run a step that is done.
func (w *writer) endMark(s *standing, result value) error {
	sent, err := w.sql.stepSent.one(s.seq, int64(s.park.Step))
	if err == nil {
		err = w.forget(sent)
	}
	if err != nil {
		return err
	}
	held, err := w.put(result)
	if err != nil {
		return err
	}
	if _, err = w.sql.endMark.run(s.seq, int64(s.park.Step), held); err != nil {
		return err
	}
	return w.settle(s.seq, s.park.Step)
}
