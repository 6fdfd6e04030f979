package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// Write implements ledger.Tx.
func (t *tx) Write(_ context.Context, c *ledger.Changes) error {
	t.changes = c
	var s sequence
	write(&s, c.Rules, t.putRule)
	write(&s, c.Versions, by(t.sql.putVersion, func(v ledger.LiveVersion) []any {
		return []any{v.ID, v.Script, v.Main, v.Files, blob(v.Params), blob(v.Awaits), v.Created.UnixMicro(), int64(v.Format)}
	}))
	write(&s, c.Versions, by(t.sql.putLive, func(v ledger.LiveVersion) []any { return []any{v.Script, v.ID} }))
	write(&s, c.DropLive, by(t.sql.dropLive, func(script string) []any { return []any{script} }))
	write(&s, c.Ticks, by(t.sql.tick, func(tick ledger.Tick) []any { return []any{tick.Hook, tick.At} }))
	write(&s, c.Cursors, t.putCursor)
	write(&s, c.Subscriptions, t.putSubscription)
	write(&s, c.IDs, t.addSeen)
	write(&s, c.Events, t.addEvent)
	write(&s, c.Echoes, by(t.sql.setEcho, func(seq int64) []any { return []any{seq} }))
	write(&s, c.NewRuns, t.addRun)
	write(&s, c.Runs, t.putRun)
	write(&s, c.Merged, by(t.sql.addMerged, func(m ledger.Merged) []any { return []any{m.Event, m.Run} }))
	write(&s, c.Copies, t.copySteps)
	write(&s, c.DropSteps, t.dropStep)
	write(&s, c.Steps, t.putStep)
	write(&s, c.EndSteps, t.endStep)
	write(&s, c.Files, by(t.sql.addFile, func(f ledger.File) []any { return []any{f.Run, f.Hash} }))
	write(&s, c.DropAwaits, by(t.sql.dropAwaits, func(run int64) []any { return []any{run} }))
	write(&s, c.Awaits, by(t.sql.addAwait, func(a ledger.Await) []any { return []any{a.Trigger, a.Path, a.Class, a.Run} }))
	write(&s, c.Approvals, t.addApproval)
	write(&s, c.Decisions, by(t.sql.decide, func(a *ledger.Approval) []any {
		return []any{a.ID, a.Decision.Choice, a.Decision.By, a.Decision.Note, a.Decision.At.UnixMicro()}
	}))
	write(&s, c.Deliveries, t.addDelivery)
	write(&s, c.Resolutions, by(t.sql.addResolution, func(r ledger.Resolution) []any {
		return []any{r.Run, int64(r.Step), string(r.Resolution), r.By, r.At.UnixMicro()}
	}))
	write(&s, c.DropKnown, by(t.sql.dropWritten, stepValues))
	write(&s, c.Known, t.putKnown)
	write(&s, c.Changed, by(t.sql.putChanged, func(v ledger.ChangedRow) []any {
		return []any{v.Hook, v.Connection, v.Record, blob(v.Value)}
	}))
	write(&s, c.Sightings, t.putSighting)
	write(&s, c.DropDeferred, by(t.sql.dropDeferred, stepValues))
	write(&s, c.Deferred, by(t.sql.addDeferred, func(d ledger.Deferred) []any {
		return []any{d.Event.Seq, d.Step.Run, int64(d.Step.Number), d.Hooks}
	}))
	write(&s, c.States, t.putState)
	write(&s, c.Links, t.putLink)
	return s.err
}

// write makes the changes of one group.
func write[T any](s *sequence, changes []T, one func(T) error) {
	for i := 0; i < len(changes) && s.err == nil; i++ {
		s.err = one(changes[i])
	}
}

// by returns a function that makes a change with one statement.
func by[T any](s *stmt, values func(T) []any) func(T) error {
	return func(change T) error {
		_, err := s.run(values(change)...)
		return err
	}
}

func (t *tx) putRule(rule ledger.Rule) error {
	t.committed(func() {
		for name, hook := range t.hooks {
			if hook.ID == rule.Hook {
				t.hooks[name] = t.withRule(hook)
			}
		}
	})
	_, err := t.sql.putRule.run(rule.Hook, rule.Lane, rule.Rule)
	return err
}

func (t *tx) putCursor(c ledger.Cursors) error {
	poll, err := t.poll(c.PollKey)
	if err == nil {
		_, err = t.sql.putCursor.run(poll, c.Name, c.Item, []byte(c.Value))
	}
	return err
}

func (t *tx) putSubscription(w ledger.Subscription) (err error) {
	if w.Data == nil {
		_, err = t.sql.dropSubscription.run(w.Key)
	} else {
		_, err = t.sql.putSubscription.run(w.Key, w.Data)
	}
	return err
}

func (t *tx) addEvent(e ledger.Event) error {
	_, err := t.sql.addEvent.run(e.Seq, e.ID, e.Type, e.Connection, e.Account, string(e.Source), e.Record, flag(e.Echo),
		micro(e.Time), e.Received.UnixMicro(), blob(e.Data), blob(requestText(e.Request)))
	if e.Request == nil {
		return err
	}
	for i := 0; err == nil && i < len(e.Request.Stored); i++ {
		_, err = t.sql.addEventFile.run(e.Seq, e.Request.Stored[i])
	}
	return err
}

// addRun writes a new run. Its statement has only the columns that most new runs
// need, which is faster; putRun writes the others if they are needed.
func (t *tx) addRun(r *ledger.Run) error {
	if _, err := t.sql.addRun.run(r.Seq, r.Event, r.Hook, r.Matched, r.Lane, r.Rule, r.Place, flag(r.Merging), int64(r.Overlap),
		int64(r.State), r.Created, orNull(r.Wake)); err != nil {
		return err
	}
	plain := ledger.Run{Seq: r.Seq, Event: r.Event, Hook: r.Hook, Matched: r.Matched, Lane: r.Lane, Rule: r.Rule, Place: r.Place,
		Merging: r.Merging, Overlap: r.Overlap, State: r.State, Created: r.Created, Wake: r.Wake}
	return t.putRun(ledger.RunChange{Before: &plain, After: r})
}

// putRun writes the columns of a run that have changed.
func (t *tx) putRun(c ledger.RunChange) error {
	b, a := c.Before, c.After
	leased := b.State != a.State || b.Epoch != a.Epoch || b.Bound != a.Bound || b.RunConfig != a.RunConfig || b.Started != a.Started ||
		b.Attempts != a.Attempts || b.Merging != a.Merging
	ended := b.Steps != a.Steps || b.Finished != a.Finished || b.Executed != a.Executed || !bytes.Equal(b.Problem, a.Problem)
	resolved := any(nil)
	if a.RunConfig != "" {
		resolved = a.RunConfig
	}
	var err error
	switch {
	case ended:
		_, err = t.sql.putEnd.run(int64(a.State), a.Epoch, orNull(a.Bound), resolved, orNull(a.Started), a.Attempts, flag(a.Merging),
			a.Steps, orNull(a.Finished), a.Executed, blob(a.Problem), a.Seq)
	case leased:
		_, err = t.sql.putLease.run(int64(a.State), a.Epoch, orNull(a.Bound), resolved, orNull(a.Started), a.Attempts, flag(a.Merging), a.Seq)
	}
	if err == nil && (b.Parked != a.Parked || b.Wake != a.Wake || !bytes.Equal(b.Park, a.Park)) {
		_, err = t.sql.putPark.run(orNull(a.Parked), orNull(a.Wake), blob(a.Park), a.Seq)
	}
	if err == nil && b.Pause != a.Pause {
		_, err = t.sql.putPause.run(int64(a.Pause), a.Seq)
	}
	if err == nil && (b.Event != a.Event || b.Matched != a.Matched || b.Overlap != a.Overlap || b.Lane != a.Lane || b.Place != a.Place) {
		_, err = t.sql.putPlace.run(a.Event, a.Matched, int64(a.Overlap), a.Lane, a.Place, a.Seq)
	}
	return err
}

// copySteps copies the first steps of a run to another run, with their large
// values.
func (t *tx) copySteps(c ledger.Copy) error {
	if _, err := t.sql.copySteps.run(c.To, c.From, int64(c.Steps)); err != nil {
		return err
	}
	if _, err := t.sql.copyFiles.run(c.To, c.From); err != nil {
		return err
	}
	type large struct {
		number, id int64
		set        *stmt
	}
	var values []large
	err := t.sql.largeSteps.each(func(row []driver.Value) error {
		for i, set := range []*stmt{t.sql.setArgs, t.sql.setResult} {
			if id, isLarge := row[i+1].(int64); isLarge {
				values = append(values, large{row[0].(int64), id, set})
			}
		}
		return nil
	}, c.To)
	if err != nil {
		return err
	}
	for _, v := range values {
		id, err := t.sql.copyLarge.one(v.id)
		if err == nil {
			_, err = v.set.run(c.To, v.number, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) dropStep(key ledger.StepKey) error {
	_, err := t.dropValues(key, false)
	if err == nil {
		_, err = t.sql.dropStep.run(key.Run, int64(key.Number))
	}
	return err
}

func (t *tx) putStep(s *ledger.Step) error {
	var sent driver.Value
	if s.Replaces {
		var err error
		if sent, err = t.dropValues(ledger.StepKey{Run: s.Run, Number: s.Number}, s.RetainSent); err != nil {
			return err
		}
	}
	args, argsErr := t.storeValue(s.ArgsValue)
	result, resultErr := t.storeValue(s.ResultValue)
	var sentErr error
	if sent == nil {
		sent, sentErr = t.storeValue(s.SentValue)
	}
	if err := errors.Join(argsErr, resultErr, sentErr); err != nil {
		return err
	}
	event := any(nil)
	if s.Event != "" {
		event = s.Event
	}
	_, err := t.sql.putStep.run(s.Run, int64(s.Number), s.Name, code(stepStates, s.State), args, s.Hash, result, blob(s.Failure), sent, event,
		s.Position, micro(s.Started), int64(s.Duration), int64(s.Sendings), int64(s.Waited))
	return err
}

// dropValues deletes the large values of a step. With retainSent it does not
// delete that of sent, and returns the column sent.
func (t *tx) dropValues(key ledger.StepKey, retainSent bool) (sent driver.Value, err error) {
	var values [3]driver.Value
	err = t.sql.stepValues.each(func(row []driver.Value) error {
		copy(values[:], row)
		if text, isText := row[2].([]byte); isText {
			values[2] = append([]byte(nil), text...)
		}
		return nil
	}, key.Run, int64(key.Number))
	if err != nil {
		return nil, err
	}
	if retainSent {
		sent, values[2] = values[2], nil
	}
	for _, v := range values {
		if err := t.dropValue(v); err != nil {
			return nil, err
		}
	}
	return sent, nil
}

func (t *tx) endStep(e ledger.EndStep) error {
	result, err := t.storeValue(e.Result)
	if err != nil {
		return err
	}
	run, number, state := e.Run, int64(e.Number), code(stepStates, e.State)
	if !e.Answered {
		sent, err := t.sql.stepSent.one(run, number)
		if err == nil {
			err = t.dropValue(sent)
		}
		if err == nil {
			_, err = t.sql.endBegun.run(run, number, state, result, blob(e.Failure))
		}
		return err
	}
	event := any(nil)
	if e.Event != "" {
		event = e.Event
	}
	_, err = t.sql.endWait.run(run, number, state, result, blob(e.Failure), event, e.At)
	return err
}

func (t *tx) addDelivery(d ledger.Delivery) error {
	var message any
	if len(d.Message) > 0 {
		text, err := json.Marshal(d.Message)
		if err != nil {
			return err
		}
		message = text
	}
	_, err := t.sql.addDelivery.run(d.Approval, d.Run, int64(d.Step), d.Connection, message)
	return err
}

func (t *tx) addApproval(a *ledger.Approval) error {
	choices, err := json.Marshal(a.Choices)
	if err == nil {
		_, err = t.sql.addApproval.run(a.ID, a.Seq, int64(a.Step), a.Title, a.Text, choices, a.Created.UnixMicro(), micro(a.Expires))
	}
	return err
}

func stepValues(step ledger.StepKey) []any { return []any{step.Run, int64(step.Number)} }

func (t *tx) putKnown(k *ledger.KnownRow) error {
	rule, err := json.Marshal(k.Provenance)
	if err == nil {
		_, err = t.sql.putWritten.run(k.Connection, k.Noun, k.Record, k.Step.Run, int64(k.Step.Number), flag(k.Gone), k.At.UnixMicro(),
			string(rule), blob(k.Data))
	}
	return err
}

func (t *tx) putSighting(s ledger.SightingRow) error {
	poll, err := t.poll(s.PollKey)
	if err != nil {
		return err
	}
	put := t.sql.putSighting
	if s.New {
		put = t.sql.addSighting
	}
	_, err = put.run(poll, s.Record, s.Item, s.Version, flag(s.Missed), orNull(s.Gone), s.History)
	return err
}

func (t *tx) putLink(l ledger.Link) (err error) {
	if l.Made == 0 {
		_, err = t.sql.dropLink.run(l.Kind, l.Account, l.ID, l.Kind2, l.Account2, l.ID2)
	} else {
		_, err = t.sql.putLink.run(l.Kind, l.Account, l.ID, l.Kind2, l.Account2, l.ID2, l.Made)
	}
	return err
}

func (t *tx) putState(s ledger.StateRow) error {
	before, err := t.sql.getState.one(s.Script, s.Key)
	if err == nil {
		err = t.dropValue(before)
	}
	if err != nil {
		return err
	}
	if s.Value.Text == nil {
		_, err = t.sql.dropState.run(s.Script, s.Key)
		return err
	}
	value, err := t.storeValue(s.Value)
	if err == nil {
		_, err = t.sql.putState.run(s.Script, s.Key, value)
	}
	return err
}
