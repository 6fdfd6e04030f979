package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// approvalTrigger is the trigger, in the table await, of the decision about an
// approval.
const approvalTrigger = "approval"

// Load implements ledger.Tx.
func (t *tx) Load(_ context.Context, w *ledger.Want, r *ledger.Rows) error {
	if w.Counts {
		r.Live, r.Last = t.live, t.last
	}
	var s sequence
	read(&s, w.Hooks, &r.Hooks, t.hook)
	read(&s, w.Versions, &r.Versions, t.version)
	read(&s, w.IDs, &r.IDs, t.isSeen)
	read(&s, w.Events, &r.Events, t.event)
	read(&s, w.Types, &r.Types, t.eventType)
	read(&s, w.Runs, &r.Runs, t.run)
	read(&s, w.Steps, &r.Steps, t.step)
	read(&s, w.Begun, &r.Begun, t.begunSteps)
	read(&s, w.Lanes, &r.Lanes, laneRows(t.sql.findLane))
	read(&s, w.Merging, &r.Merging, laneRows(t.sql.findMerging))
	read(&s, w.Replacers, &r.Replacers, t.replacer)
	read(&s, w.Awaited, &r.Awaited, t.awaitKeys)
	read(&s, w.Awaits, &r.Awaits, t.waiting)
	read(&s, w.Missed, &r.Missed, t.missed)
	read(&s, w.Approvals, &r.Approvals, t.approval)
	read(&s, w.Known, &r.Known, t.known)
	read(&s, w.Changed, &r.Changed, t.lastValue)
	read(&s, w.Sightings, &r.Sightings, t.sighting)
	read(&s, w.Open, &r.Open, t.openSteps)
	read(&s, w.Deferred, &r.Deferred, t.deferred)
	read(&s, w.States, &r.States, t.state)
	read(&s, w.Links, &r.Links, t.links)
	read(&s, w.Floods, &r.Floods, func(trigger string) (ledger.Flood, error) { return t.floods[trigger], nil })
	s.do(func() error { return t.loadDue(w, r) })
	s.do(func() error { return t.loadPaused(w, r) })
	return s.err
}

// sequence calls functions up to the first that fails. None is called after an
// error, because SQLite rolls the transaction back after some errors.
type sequence struct{ err error }

func (s *sequence) do(f func() error) {
	if s.err == nil {
		s.err = f()
	}
}

// read appends a row for each key to a group of rows.
func read[K, V any](s *sequence, keys []K, rows *[]V, one func(K) (V, error)) {
	for i := 0; i < len(keys) && s.err == nil; i++ {
		var row V
		if row, s.err = one(keys[i]); s.err == nil {
			*rows = append(*rows, row)
		}
	}
}

func (t *tx) version(hash string) (int64, error) {
	if id, known := t.versions[hash]; known {
		return id, nil
	}
	id, err := findOrAdd(t.sql.findVersion, t.sql.addVersion, hash)
	if err == nil {
		t.committed(func() { t.versions[hash] = id })
	}
	return id, err
}

func (t *tx) hook(name ledger.HookName) (hook ledger.Hook, err error) {
	if hook, known := t.hooks[name]; known {
		return hook, nil
	}
	err = t.sql.findHook.each(func(row []driver.Value) error {
		hook.ID, hook.Rule = row[0].(int64), row[2].(int64)
		hook.Lane, hook.HasLane = row[1].(string)
		return nil
	}, name.Script, name.Name)
	if err == nil && hook.ID == 0 {
		var id driver.Value
		if id, err = t.sql.addHook.one(name.Script, name.Name); err == nil {
			hook.ID = id.(int64)
		}
	}
	if err == nil {
		t.committed(func() {
			t.hooks[name] = t.withRule(hook)
			t.dispatch.SetScript(hook.ID, name.Script)
		})
	}
	return hook, err
}

// withRule returns the row of a hook with the changes of the batch.
func (t *tx) withRule(hook ledger.Hook) ledger.Hook {
	if t.changes != nil {
		for _, rule := range t.changes.Rules {
			if rule.Hook == hook.ID {
				hook.Lane, hook.HasLane, hook.Rule = rule.Lane, true, rule.Rule
			}
		}
	}
	return hook
}

// poll returns the number of a poll. It adds a poll that does not exist.
func (t *tx) poll(key change.PollKey) (int64, error) {
	name := pollName{key.Connection, key.Poll}
	if id, known := t.polls[name]; known {
		return id, nil
	}
	id, err := findOrAdd(t.sql.findPoll, t.sql.addPoll, key.Connection, key.Poll)
	if err == nil {
		t.committed(func() { t.polls[name] = id })
	}
	return id, err
}

func findOrAdd(find, add *stmt, key ...any) (int64, error) {
	id, err := find.one(key...)
	if err == nil && id == nil {
		id, err = add.one(key...)
	}
	if err != nil {
		return 0, err
	}
	return id.(int64), nil
}

func (t *tx) event(seq int64) (event *journal.Event, err error) {
	err = t.sql.eventAt.each(func(row []driver.Value) error {
		event = eventOf(row[1:])
		return nil
	}, seq)
	return event, err
}

func (t *tx) eventType(seq int64) (string, error) {
	name, err := t.sql.eventType.one(seq)
	text, _ := name.(string)
	return text, err
}

// runColumns are the columns that readRun reads. The last has number and state of
// the last step of the run.
const runColumns = `seq, event, hook, matched, bound, resolved, lane, rule, place, merging, overlap, state, epoch, attempts, steps,
	executed, created, started, finished, parked, wake, park, problem, pause,
	(SELECT number * 4 + state FROM step WHERE run = r.seq ORDER BY number DESC LIMIT 1)`

func readRun(row []driver.Value) ledger.RunRow {
	number := func(i int) int64 { n, _ := row[i].(int64); return n }
	bytes := func(i int) []byte { b, _ := row[i].([]byte); return slices.Clone(b) }
	r := &ledger.Run{
		Seq: number(0), Event: number(1), Hook: number(2), Matched: number(3), Bound: number(4), Lane: row[6].(string), Rule: number(7),
		Place: number(8), Merging: number(9) != 0, Overlap: ledger.Overlap(number(10)), State: ledger.State(number(11)), Epoch: number(12),
		Attempts: number(13), Steps: number(14), Executed: number(15), Created: number(16), Started: number(17), Finished: number(18),
		Parked: number(19), Wake: number(20), Park: bytes(21), Problem: bytes(22), Pause: ledger.Pause(number(23)),
	}
	r.RunConfig, _ = row[5].(string)
	last := number(24)
	return ledger.RunRow{Run: r, Last: ledger.Last{Number: int(last / 4), Begun: row[24] != nil && last%4 == 0}}
}

func (t *tx) step(key ledger.StepKey) (s ledger.StepRow, err error) {
	err = t.sql.findStep.each(func(row []driver.Value) error {
		failure, _ := row[0].([]byte)
		s.Error = slices.Clone(failure)
		return nil
	}, key.Run, int64(key.Number))
	return s, err
}

func (t *tx) begunSteps(upto ledger.StepKey) (int, error) {
	n, err := t.sql.countBegun.one(upto.Run, int64(upto.Number))
	count, _ := n.(int64)
	return int(count), err
}

func (t *tx) run(seq int64) (ledger.RunRow, error) {
	if row, known := t.dispatch.Row(seq); known {
		return row, nil
	}
	rows, err := runRows(t.sql.findRun, seq)
	if err != nil || len(rows) == 0 {
		return ledger.RunRow{}, err
	}
	t.loaded = append(t.loaded, rows[0])
	return rows[0], nil
}

func runRows(s *stmt, values ...any) (all []ledger.RunRow, err error) {
	err = s.each(func(row []driver.Value) error {
		all = append(all, readRun(row))
		return nil
	}, values...)
	return all, err
}

func laneRows(s *stmt) func(ledger.LaneKey) ([]ledger.RunRow, error) {
	return func(key ledger.LaneKey) ([]ledger.RunRow, error) { return runRows(s, key.Hook, key.Lane) }
}

func (t *tx) replacer(key ledger.LaneKey) (int64, error) {
	newest, err := t.sql.findReplacer.one(key.Hook, key.Lane)
	seq, _ := newest.(int64)
	return seq, err
}

func (t *tx) loadDue(w *ledger.Want, r *ledger.Rows) (err error) {
	if w.Due.Limit == 0 {
		return nil
	}
	if r.Due, err = runRows(t.sql.findDue, w.Due.At, int64(w.Due.Limit)); err != nil {
		return err
	}
	next, err := t.sql.nextWake.one(w.Due.At)
	r.Next, _ = next.(int64)
	return err
}

func (t *tx) loadPaused(w *ledger.Want, r *ledger.Rows) (err error) {
	if w.Paused.Limit > 0 {
		r.Paused, err = runRows(t.sql.findPaused, w.Paused.Trigger, int64(w.Paused.Limit))
	}
	return err
}

// awaitKeys returns the keys, without class, at which events of a type are awaited.
func (t *tx) awaitKeys(eventType string) (all []ledger.AwaitKey, err error) {
	for trigger, paths := range t.awaited {
		if trigger == eventType || strings.Contains(trigger, "*") && journal.MatchTrigger(trigger, eventType) {
			for path := range paths {
				all = append(all, ledger.AwaitKey{Trigger: trigger, Path: path})
			}
		}
	}
	return all, nil
}

func (t *tx) waiting(key ledger.AwaitKey) (runs []int64, err error) {
	err = t.sql.findAwaits.each(func(row []driver.Value) error {
		runs = append(runs, row[0].(int64))
		return nil
	}, key.Trigger, key.Path, key.Class)
	return runs, err
}

func (t *tx) approval(id string) (a *ledger.Approval, err error) {
	err = t.sql.findApproval.each(func(row []driver.Value) error {
		text := func(i int) string { s, _ := row[i].(string); return s }
		at := func(i int) int64 { n, _ := row[i].(int64); return n }
		a = &ledger.Approval{Seq: row[0].(int64), Approval: journal.Approval{
			ID: id, Run: journal.RunID(row[0].(int64), t.salt), Step: int(at(1)), Title: text(2), Text: text(3), Created: ledger.Time(at(5)),
			Expires: ledger.Time(at(6)),
		}}
		if row[7] != nil {
			a.Decision = &journal.Decision{Choice: text(7), By: text(8), Note: text(9), At: ledger.Time(at(10))}
		}
		choices, _ := row[4].([]byte)
		return json.Unmarshal(choices, &a.Choices)
	}, id)
	return a, err
}

func (t *tx) lastValue(key ledger.ChangedKey) (c ledger.Changed, err error) {
	err = t.sql.getChanged.each(func(row []driver.Value) error {
		value, _ := row[0].([]byte)
		c = ledger.Changed{Known: true, Value: slices.Clone(value)}
		return nil
	}, key.Hook, key.Connection, key.Record)
	return c, err
}

func (t *tx) openSteps(run int64) ([]int, error) {
	return slices.Sorted(maps.Keys(t.open[run])), nil
}

func (t *tx) known(key ledger.RecordKey) (all ledger.KnownRows, err error) {
	if !t.nouns[noun(key.Connection, key.Noun)] {
		return all, nil
	}
	all.Written = true
	err = t.sql.findWritten.each(func(v []driver.Value) error {
		row := ledger.KnownRow{
			RecordKey: ledger.RecordKey{Connection: key.Connection, Noun: key.Noun, Record: v[0].(string)},
			Step:      ledger.StepKey{Run: v[1].(int64), Number: int(v[2].(int64))},
		}
		row.Gone, row.At = v[3].(int64) == 1, ledger.Time(v[6].(int64))
		data, _ := v[5].([]byte)
		row.Data = slices.Clone(data)
		err := json.Unmarshal([]byte(v[4].(string)), &row.Provenance)
		all.Rows = append(all.Rows, row)
		return err
	}, key.Connection, key.Noun, key.Record)
	return all, err
}

func (t *tx) sighting(key ledger.SightingKey) (s change.Sighting, err error) {
	s.PollKey, s.Record = key.PollKey, key.Record
	poll, err := t.poll(key.PollKey)
	if err != nil {
		return s, err
	}
	err = t.sql.findSighting.each(func(row []driver.Value) error {
		s.Row, s.Version, s.Missed = row[0].(int64), row[2].(int64), row[3].(int64) != 0
		s.Item, _ = row[1].(string)
		history, _ := row[4].([]byte)
		return s.UnmarshalBinary(history)
	}, poll, key.Record)
	return s, err
}

func (t *tx) deferred(step ledger.StepKey) (all []ledger.Deferred, err error) {
	if !t.open[step.Run][step.Number].deferred {
		return nil, nil
	}
	err = t.sql.findDeferred.each(func(row []driver.Value) error {
		text, _ := row[11].([]byte)
		all = append(all, ledger.Deferred{Event: ledger.Event{Seq: row[0].(int64), Event: eventOf(row[1:])}, Step: step, Hooks: slices.Clone(text)})
		return nil
	}, step.Run, int64(step.Number))
	return all, err
}

func (t *tx) state(key ledger.StateKey) ([]byte, error) {
	column, err := t.sql.getState.one(key.Script, key.Key)
	if err != nil {
		return nil, err
	}
	return t.loadValue(column)
}

func (t *tx) links(key ledger.LinkKey) (ids []string, err error) {
	err = t.sql.findLinks.each(func(row []driver.Value) error {
		if ids = append(ids, row[0].(string)); !key.All {
			return errStop
		}
		return nil
	}, key.Kind, key.Account, key.ID, key.Kind2, key.Account2)
	if errors.Is(err, errStop) {
		err = nil
	}
	return ids, err
}
