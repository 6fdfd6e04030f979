package run

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"
	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// state reads or changes the script's state, in the commit of the step.
func (h *host) state(s vm.Step) (result, error) {
	var args struct {
		Verb, Key       string
		Value, Expected json.RawMessage
	}
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, fmt.Errorf("read the arguments of %s: %w", s.Name, err)
	}
	return result{effect: journal.Effect{State: &journal.StateOp{
		Script: h.run.Script, Verb: args.Verb, Key: args.Key,
		Value: args.Value, Expected: args.Expected,
	}}}, nil
}

// link reads or changes the links between records. Their keys have the account,
// so that links of two accounts of one app are separate.
func (h *host) link(s vm.Step) (result, error) {
	var args struct{ Verb, Kind, ID, Kind2, ID2 string }
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, fmt.Errorf("read the arguments of %s: %w", s.Name, err)
	}
	account, err := h.account(s, args.Kind)
	if err != nil {
		return result{}, err
	}
	account2, err := h.account(s, args.Kind2)
	if err != nil {
		return result{}, err
	}
	return result{effect: journal.Effect{Link: &journal.LinkOp{
		Verb: args.Verb, Kind: args.Kind, ID: args.ID, Account: account,
		Kind2: args.Kind2, ID2: args.ID2, Account2: account2,
	}}}, nil
}

// emit makes an event of the script's own, stored in the commit of the step.
func (h *host) emit(s vm.Step, step journal.Step) (result, error) {
	var args struct {
		Type       string
		Data       json.RawMessage
		ID         string
		Lane       string
		Connection string
	}
	if err := json.Unmarshal(s.Args, &args); err != nil {
		return result{}, invalid(s, "expected (type, data, { id, lane, connection }): "+err.Error())
	}
	event := journal.Event{
		ID:   fmt.Sprintf("emit:%s:%d", h.lease.Run, step.Number),
		Type: "emit:" + args.Type, Source: journal.Emit, Data: args.Data, Record: args.Lane,
		Connection: h.run.Connection, Account: h.run.Account,
	}
	if args.ID != "" {
		event.ID = "emit:" + args.Type + ":" + args.ID
	}
	if args.Connection != "" {
		c, found := h.runner.config.Connections.Get(args.Connection)
		if !found {
			return result{}, invalid(s, fmt.Sprintf("there is no connection %q", args.Connection))
		}
		event.Connection, event.Account = c.Name(), c.Account()
	}
	if event.Data == nil {
		event.Data = json.RawMessage("{}")
	}
	arrival := h.runner.arrival(h.runner.config.Scripts.Generation(), event)
	return result{value: json.RawMessage("true"), effect: journal.Effect{Emit: &arrival}}, nil
}

// scriptView returns the part of a step's recorded result that the script gets:
// the value of a state, whether state.cas swapped it, the id of a link.
func scriptView(s vm.Step, result json.RawMessage) json.RawMessage {
	field := ""
	switch {
	case s.Kind == vm.StepState && s.Name == "state.cas":
		field = "swapped"
	case s.Kind == vm.StepState:
		field = "value"
	case s.Kind == vm.StepLink:
		field = "id"
	default:
		return result
	}
	return json.RawMessage(gjson.GetBytes(result, field).Raw)
}

// random returns a whole number from min to max, or a float in [0, 1).
func random(raw json.RawMessage) (result, error) {
	var args struct{ Min, Max *int64 }
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &args); err != nil {
			return result{}, fmt.Errorf("read the arguments of random: %w", err)
		}
	}
	if args.Min == nil || args.Max == nil {
		return value(rand.Float64())
	}
	return value(*args.Min + rand.Int64N(*args.Max-*args.Min+1))
}

func newUUID() (result, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return result{}, fmt.Errorf("make a uuid: %w", err)
	}
	return text(id.String())
}

func text(s string) (result, error) { return value(s) }

func value(v any) (result, error) {
	raw, err := json.Marshal(v)
	return result{value: raw}, err
}
