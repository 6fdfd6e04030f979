package journaltest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// effects records effects as consecutive steps and checks their results.
type effects struct {
	*fixture
	lease  journal.Lease
	number int
}

func (f *fixture) effects() *effects { return &effects{fixture: f, lease: f.begun()} }

func (e *effects) do(effect journal.Effect) (string, error) {
	e.number++
	s := step(e.number, "effect", "")
	s.Result = nil
	result, err := e.store.Record(e.ctx, e.lease, s, effect)
	return string(result), err
}

func (e *effects) state(verb, key, value string) (string, error) {
	return e.do(journal.Effect{State: &journal.StateOp{Script: "crm", Verb: verb, Key: key, Value: json.RawMessage(value)}})
}

// expect checks the result of an operation on the state.
func (e *effects) expect(verb, key, value, expected string) {
	e.Helper()
	result, err := e.state(verb, key, value)
	if err != nil || result != expected {
		e.Errorf("state.%s %q %s: found %s, %v, expected %s", verb, key, value, result, err, expected)
	}
}

var stateTests = map[string]func(f *fixture){
	"get returns what was put, until it is deleted": func(f *fixture) {
		e := f.effects()
		e.expect("get", "k", "", `{}`)
		e.expect("put", "k", `{"b":[1,null],"a":"x"}`, `{"value":{"b":[1,null],"a":"x"}}`)
		e.expect("get", "k", "", `{"value":{"b":[1,null],"a":"x"}}`)
		e.expect("delete", "k", "", `{}`)
		e.expect("get", "k", "", `{}`)
		e.expect("put", "k", `false`, `{"value":false}`)
		e.expect("get", "k", "", `{"value":false}`)
		e.expect("put", "k", `null`, `{}`)
		e.expect("get", "k", "", `{}`)
	},
	"scripts do not read the values of other scripts": func(f *fixture) {
		e := f.effects()
		e.expect("put", "k", `1`, `{"value":1}`)
		result, err := e.do(journal.Effect{State: &journal.StateOp{Script: "other", Verb: "get", Key: "k"}})
		if err != nil || result != `{}` {
			f.Errorf("found %s, %v", result, err)
		}
	},
	"add is exact, and begins at zero": func(f *fixture) {
		e := f.effects()
		e.expect("add", "n", `2`, `{"value":2}`)
		e.expect("add", "n", `-5`, `{"value":-3}`)
		e.expect("add", "n", `0.5`, `{"value":-2.5}`)
		e.expect("put", "n", `9007199254740990`, `{"value":9007199254740990}`)
		e.expect("add", "n", `1`, `{"value":9007199254740991}`)
		e.expect("put", "n", `1e3`, `{"value":1e3}`)
		e.expect("add", "n", `1`, `{"value":1001}`)
	},
	"add refuses what is no number or would be rounded": func(f *fixture) {
		e := f.effects()
		e.expect("put", "text", `"12"`, `{"value":"12"}`)
		e.expect("put", "large", `9007199254740991`, `{"value":9007199254740991}`)
		for _, c := range [][2]string{
			{"text", `1`}, {"n", `"1"`}, {"n", ``}, {"n", `[1]`}, {"large", `1`}, {"n", `9007199254740993`}, {"n", `1e999`},
		} {
			_, err := e.state("add", c[0], c[1])
			var problem *bindings.Error
			if !errors.As(err, &problem) || problem.Kind != bindings.Invalid {
				f.Errorf("add %s to %s: found %v, expected an error of kind invalid", c[1], c[0], err)
				continue
			}
			_, steps := f.run(e.lease.Run)
			last := steps[len(steps)-1]
			if last.State != journal.Erred || last.Error == nil || last.Error.Message != problem.Message {
				f.Errorf("the step recorded is %+v", last)
			}
		}
		e.expect("get", "text", "", `{"value":"12"}`)
	},
	"cas swaps only what was expected": func(f *fixture) {
		e := f.effects()
		cas := func(expected, value, result string) {
			f.Helper()
			op := &journal.StateOp{Script: "crm", Verb: "cas", Key: "k", Value: json.RawMessage(value), Expected: json.RawMessage(expected)}
			found, err := e.do(journal.Effect{State: op})
			if err != nil || found != result {
				f.Errorf("cas from %s to %s: found %s, %v, expected %s", expected, value, found, err, result)
			}
		}
		cas(`1`, `2`, `{"swapped":false}`)
		cas(``, `{"a":1,"b":2}`, `{"value":{"a":1,"b":2},"swapped":true}`)
		cas(``, `3`, `{"value":{"a":1,"b":2},"swapped":false}`)
		cas(`{"b":2.0,"a":1}`, `3`, `{"value":3,"swapped":true}`)
		cas(`"3"`, `4`, `{"value":3,"swapped":false}`)
		cas(`3`, `null`, `{"swapped":true}`)
		cas(`null`, `5`, `{"value":5,"swapped":true}`)
	},
	"a value has at most 8 MiB": func(f *fixture) {
		e := f.effects()
		fits := `"` + strings.Repeat("x", journal.MaxStateValue-2) + `"`
		e.expect("put", "k", fits, `{"value":`+fits+`}`)
		_, err := e.state("put", "big one", `"`+strings.Repeat("x", journal.MaxStateValue)+`"`)
		if err == nil || !strings.Contains(err.Error(), "big one") || !strings.Contains(err.Error(), fmt.Sprint(journal.MaxStateValue+2)) {
			f.Errorf("found %v, expected an error with key and size", err)
		}
		if _, err := e.state("put", strings.Repeat("k", journal.MaxStateKey+1), `1`); err == nil {
			f.Error("a key that is too long was stored")
		}
	},
	"an unknown operation is refused": func(f *fixture) {
		if _, err := f.effects().state("increment", "k", `1`); err == nil {
			f.Error("it was done")
		}
	},
	"values survive a restart": func(f *fixture) {
		e := f.effects()
		e.expect("put", "k", `1`, `{"value":1}`)
		f.finish(e.lease, journal.Succeeded)
		f.reopen()
		f.effects().expect("add", "k", `1`, `{"value":2}`)
	},
}

func link(verb, id, id2 string) *journal.LinkOp {
	return &journal.LinkOp{Verb: verb, Kind: "qonto.client", ID: id, Kind2: "highlevel.contact", ID2: id2, Account: "org_1", Account2: "loc_1"}
}

// back is a link seen from its other end.
func back(op *journal.LinkOp) *journal.LinkOp {
	return &journal.LinkOp{Verb: op.Verb, Kind: op.Kind2, ID: op.ID2, Kind2: op.Kind, ID2: op.ID, Account: op.Account2, Account2: op.Account}
}

func (e *effects) links(op *journal.LinkOp, expected string) {
	e.Helper()
	result, err := e.do(journal.Effect{Link: op})
	if err != nil || expected != "" && result != expected {
		e.Errorf("links.%s %s %s %s: found %s, %v, expected %s", op.Verb, op.ID, op.Kind2, op.ID2, result, err, expected)
	}
}

var linkTests = map[string]func(f *fixture){
	"a link is found from both ends": func(f *fixture) {
		e := f.effects()
		e.links(link("get", "q_1", ""), `{}`)
		e.links(link("put", "q_1", "c_1"), "")
		e.links(link("get", "q_1", ""), `{"id":"c_1"}`)
		e.links(back(link("get", "", "c_1")), `{"id":"q_1"}`)
		e.links(back(link("get", "", "c_2")), `{}`)
	},
	"the newest link counts": func(f *fixture) {
		e := f.effects()
		e.links(link("put", "q_1", "c_1"), "")
		e.links(link("put", "q_1", "c_2"), "")
		e.links(link("get", "q_1", ""), `{"id":"c_2"}`)
		e.links(link("put", "q_1", "c_1"), "")
		e.links(link("get", "q_1", ""), `{"id":"c_1"}`)
		e.links(link("put", "q_2", "c_1"), "")
		e.links(back(link("get", "", "c_1")), `{"id":"q_2"}`)
	},
	"one pair or all are removed, at both ends": func(f *fixture) {
		e := f.effects()
		for _, id := range []string{"c_1", "c_2", "c_3"} {
			e.links(link("put", "q_1", id), "")
		}
		e.links(link("remove", "q_1", "c_3"), "")
		e.links(link("get", "q_1", ""), `{"id":"c_2"}`)
		e.links(back(link("get", "", "c_3")), `{}`)
		e.links(link("remove", "q_1", ""), "")
		e.links(link("get", "q_1", ""), `{}`)
		e.links(back(link("get", "", "c_1")), `{}`)
	},
	"links of other accounts and kinds are separate": func(f *fixture) {
		e := f.effects()
		e.links(link("put", "q_1", "c_1"), "")
		for _, change := range []func(*journal.LinkOp){
			func(op *journal.LinkOp) { op.Account = "org_2" },
			func(op *journal.LinkOp) { op.Account2 = "loc_2" },
			func(op *journal.LinkOp) { op.Kind = "qonto.invoice" },
			func(op *journal.LinkOp) { op.Kind2 = "highlevel.opportunity" },
		} {
			op := link("get", "q_1", "")
			change(op)
			e.links(op, `{}`)
		}
	},
	"a link without its ends is refused": func(f *fixture) {
		e := f.effects()
		for _, op := range []*journal.LinkOp{link("put", "q_1", ""), link("put", "", "c_1"), link("get", "", ""), link("join", "q_1", "c_1")} {
			var problem *bindings.Error
			if _, err := e.do(journal.Effect{Link: op}); !errors.As(err, &problem) || problem.Kind != bindings.Invalid {
				f.Errorf("links.%s %q %q: found %v", op.Verb, op.ID, op.ID2, err)
			}
		}
	},
	"links survive a restart, and belong to all scripts": func(f *fixture) {
		e := f.effects()
		e.links(link("put", "q_1", "c_1"), "")
		f.finish(e.lease, journal.Succeeded)
		f.reopen()
		f.effects().links(link("get", "q_1", ""), `{"id":"c_1"}`)
	},
}

func won(id string) journal.Event {
	return journal.Event{ID: "emit:" + id, Type: "emit:deal.won", Connection: "highlevel", Account: "loc_1", Source: journal.Emit,
		Data: json.RawMessage(`{"deal":1}`)}
}

var emitTests = map[string]func(f *fixture){
	"the event is accepted with its runs": func(f *fixture) {
		e := f.effects()
		result, err := e.do(journal.Effect{Emit: &journal.Arrival{Event: won("1"), Hooks: []*journal.Hook{hook("won", laneless)}}})
		if err != nil || result != `{"id":"emit:1"}` {
			f.Errorf("found %s, %v", result, err)
		}
		want(f, "event", f.next().Event.Type, "emit:deal.won")
		_, steps := f.run(e.lease.Run)
		want(f, "steps", len(steps), 1)
	},
	"a repeat returns that it is a duplicate": func(f *fixture) {
		e := f.effects()
		emit := journal.Effect{Emit: &journal.Arrival{Event: won("1"), StoreUnmatched: true}}
		e.do(emit)
		if result, err := e.do(emit); err != nil || result != `{"id":"emit:1","duplicate":true}` {
			f.Errorf("found %s, %v", result, err)
		}
	},
	"a bad event is refused with its step": func(f *fixture) {
		e := f.effects()
		if _, err := e.do(journal.Effect{Emit: &journal.Arrival{Event: journal.Event{Type: "emit:x"}}}); err == nil {
			f.Error("an event without id was accepted")
		}
		_, steps := f.run(e.lease.Run)
		want(f, "steps", len(steps), 0)
	},
}
