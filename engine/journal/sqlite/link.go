package sqlite

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

func (w *writer) link(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	if problem := checkLink(op); problem != nil {
		return nil, problem, nil
	}
	switch op.Verb {
	case "put":
		return w.putLink(op)
	case "get":
		return w.getLink(op)
	}
	return w.removeLink(op)
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

// putLink keeps both directions. A link that is known becomes the newest.
func (w *writer) putLink(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	made := w.seq()
	if _, err := w.sql.putLink.run(op.Kind, op.Account, op.ID, op.Kind2, op.Account2, op.ID2, made); err != nil {
		return nil, nil, err
	}
	_, err := w.sql.putLink.run(op.Kind2, op.Account2, op.ID2, op.Kind, op.Account, op.ID, made)
	return json.RawMessage(`{}`), nil, err
}

func (w *writer) getLink(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	id, err := w.sql.getLink.one(op.Kind, op.Account, op.ID, op.Kind2, op.Account2)
	if err != nil || id == nil {
		return json.RawMessage(`{}`), nil, err
	}
	result, err := json.Marshal(map[string]any{"id": id})
	return result, nil, err
}

func (w *writer) removeLink(op *journal.LinkOp) (json.RawMessage, *bindings.Error, error) {
	ids := []string{op.ID2}
	if op.ID2 == "" {
		ids = ids[:0]
		err := w.sql.findLinks.each(func(row []driver.Value) error {
			ids = append(ids, row[0].(string))
			return nil
		}, op.Kind, op.Account, op.ID, op.Kind2, op.Account2)
		if err != nil {
			return nil, nil, err
		}
	}
	for _, id2 := range ids {
		if _, err := w.sql.dropLink.run(op.Kind, op.Account, op.ID, op.Kind2, op.Account2, id2); err != nil {
			return nil, nil, err
		}
		if _, err := w.sql.dropLink.run(op.Kind2, op.Account2, id2, op.Kind, op.Account, op.ID); err != nil {
			return nil, nil, err
		}
	}
	return json.RawMessage(`{}`), nil, nil
}
