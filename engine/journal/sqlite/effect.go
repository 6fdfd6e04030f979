package sqlite

import (
	"encoding/json"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// effect does what a step does in the store itself and sets its result, or
// its problem.
func (w *writer) effect(t *stepTask) (err error) {
	switch {
	case t.effect.State != nil:
		t.result, t.failed, err = w.state(t.effect.State)
	case t.effect.Link != nil:
		t.result, t.failed, err = w.link(t.effect.Link)
	case t.effect.Emit != nil:
		t.result, t.failed, err = w.emit(&t.emit)
	case t.effect.File != "":
		_, err = w.sql.addFile.run(t.run.seq, t.effect.File)
	case t.effect.Approval != nil:
		err = w.ask(t.effect.Approval, t.run.seq, t.step.Number)
	}
	return err
}

func (w *writer) state(op *journal.StateOp) (json.RawMessage, *bindings.Error, error) {
	held, err := w.sql.getState.one(op.Script, op.Key)
	if err != nil {
		return nil, nil, err
	}
	var current json.RawMessage
	if op.Verb != "put" && op.Verb != "delete" {
		if current, err = w.get(held); err != nil {
			return nil, nil, err
		}
	}
	next, result, problem := op.Apply(current)
	if problem != nil || op.Verb == "get" {
		return result, problem, nil
	}
	if err := w.forget(held); err != nil {
		return nil, nil, err
	}
	if next == nil {
		_, err = w.sql.dropState.run(op.Script, op.Key)
		return result, nil, err
	}
	stands, err := w.put(pack(next))
	if err == nil {
		_, err = w.sql.putState.run(op.Script, op.Key, stands)
	}
	return result, nil, err
}

func (w *writer) emit(a *arrival) (json.RawMessage, *bindings.Error, error) {
	if w.live+a.most() > w.maxQueued {
		if known, err := w.allSeen([]arrival{*a}); err != nil {
			return nil, nil, err
		} else if !known {
			return nil, &bindings.Error{Kind: bindings.Unavailable, Message: "emit: " + w.tooMany().Error(), Retryable: true}, nil
		}
	}
	receipt, err := w.accept(a)
	if err != nil {
		return nil, nil, err
	}
	result, err := json.Marshal(struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate,omitempty"`
	}{a.event.ID, receipt.Duplicate})
	return result, nil, err
}
