package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// apply makes the effect of a step, and sets the step's result or problem.
func (b *batch) apply(t *stepTask) (err error) {
	switch {
	case t.effect.State != nil:
		t.result, t.failed, err = b.state(t.effect.State)
	case t.effect.Link != nil:
		t.result, t.failed, err = b.link(t.effect.Link)
	case t.effect.Emit != nil:
		t.result, t.failed, err = b.emit(t.emit)
	case t.effect.File != "":
		b.changeCount++
		b.changes.Files = append(b.changes.Files, File{t.run, t.effect.File})
	case t.effect.Approval != nil:
		err = b.addApproval(t.effect.Approval, t.run, t.step.Number)
	}
	return err
}

// reads reports whether an operation depends on the stored value.
func reads(op *journal.StateOp) bool { return op.Verb != "put" && op.Verb != "delete" }

func (b *batch) state(op *journal.StateOp) (json.RawMessage, *bindings.Error, error) {
	key := StateKey{op.Script, op.Key}
	var current json.RawMessage
	if reads(op) {
		var err error
		if current, err = b.values.get(key, &b.want.States); err != nil {
			return nil, nil, err
		}
	}
	next, result, problem := op.Apply(current)
	if problem == nil && op.Verb != "get" {
		b.changeCount++
		b.values.set(key, next)
	}
	return result, problem, nil
}

func (b *batch) emit(a *arrival) (json.RawMessage, *bindings.Error, error) {
	var full *refusal
	switch err := b.checkQueueLimit([]arrival{*a}); {
	case errors.As(err, &full):
		return nil, &bindings.Error{Kind: bindings.Unavailable, Message: "emit: " + full.Error(), Retryable: true}, nil
	case err != nil:
		return nil, nil, err
	}
	receipt, err := b.accept(a)
	if err != nil {
		return nil, nil, err
	}
	result, err := json.Marshal(struct {
		ID        string `json:"id"`
		Duplicate bool   `json:"duplicate,omitempty"`
	}{a.event.ID, receipt.Duplicate})
	return result, nil, err
}

func (b *batch) link(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	if problem := checkLink(op); problem != nil {
		return nil, problem, nil
	}
	switch op.Verb {
	case "put":
		b.setLink(op, op.ID2, b.seq())
		return json.RawMessage(`{}`), nil, nil
	case "get":
		return b.newestLink(endOf(op))
	}
	return b.removeLinks(op)
}

func checkLink(op *journal.LinkOp) *bindings.Error {
	problem := ""
	switch {
	case op.Verb != "put" && op.Verb != "get" && op.Verb != "remove":
		problem = "there is no such operation; there are put, get and remove"
	case op.Kind == "" || op.ID == "" || op.Kind2 == "":
		problem = "it takes a kind, an id and the kind on the other end"
	case op.Verb == "put" && op.ID2 == "":
		problem = "it takes the id on the other end too"
	case max(len(op.Kind), len(op.ID), len(op.Kind2), len(op.ID2)) > maxID:
		problem = fmt.Sprintf("kinds and ids have at most %d bytes", maxID)
	}
	if problem == "" {
		return nil
	}
	return &bindings.Error{Kind: bindings.Invalid, Message: "links." + op.Verb + ": " + problem}
}

func endOf(op *journal.LinkOp) LinkKey {
	return LinkKey{Kind: op.Kind, Account: op.Account, ID: op.ID, Kind2: op.Kind2, Account2: op.Account2}
}

func otherEnd(op *journal.LinkOp, id2 string) LinkKey {
	return LinkKey{Kind: op.Kind2, Account: op.Account2, ID: id2, Kind2: op.Kind, Account2: op.Account}
}

// linkTable is the links by one end, and over them those that the batch changes.
type linkTable struct {
	table[LinkKey, []string]
	changed map[LinkKey][]Link
}

func (t *linkTable) init() {
	t.table.init()
	t.changed = map[LinkKey][]Link{}
}

func (t *linkTable) reset() { clear(t.changed) }

func (t *linkTable) clear() {
	t.table.clear()
	t.reset()
}

// set writes a link in one direction, or deletes it if made is zero.
func (t *linkTable) set(end LinkKey, id2 string, made int64) Link {
	l := Link{end, id2, made}
	t.changed[end] = append(slices.DeleteFunc(t.changed[end], func(o Link) bool { return o.ID2 == id2 }), l)
	return l
}

// of returns the ids on the other end, the newest first: all of them, or at least
// the newest.
func (t *linkTable) of(end LinkKey, all bool, want *[]LinkKey) ([]string, error) {
	changed := t.changed[end]
	end.All = all || len(changed) > 0
	loaded, err := t.get(end, want)
	if err != nil || len(changed) == 0 {
		return loaded, err
	}
	var ids []string
	for _, l := range slices.Backward(changed) {
		if l.Made != 0 {
			ids = append(ids, l.ID2)
		}
	}
	for _, id := range loaded {
		if !slices.ContainsFunc(changed, func(l Link) bool { return l.ID2 == id }) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// setLink writes a link in both directions, or deletes it if made is zero.
func (b *batch) setLink(op *journal.LinkOp, id2 string, made int64) {
	b.changeCount++
	b.changes.Links = append(b.changes.Links, b.links.set(endOf(op), id2, made), b.links.set(otherEnd(op, id2), op.ID, made))
}

func (b *batch) newestLink(end LinkKey) (json.RawMessage, *bindings.Error, error) {
	ids, err := b.links.of(end, false, &b.want.Links)
	if err != nil || len(ids) == 0 {
		return json.RawMessage(`{}`), nil, err
	}
	result, err := json.Marshal(map[string]any{"id": ids[0]})
	return result, nil, err
}

func (b *batch) removeLinks(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	ids := []string{op.ID2}
	if op.ID2 == "" {
		var err error
		if ids, err = b.links.of(endOf(op), true, &b.want.Links); err != nil {
			return nil, nil, err
		}
	}
	for _, id2 := range ids {
		b.setLink(op, id2, 0)
	}
	return json.RawMessage(`{}`), nil, nil
}
