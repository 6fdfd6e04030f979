package run

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal/change"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/vm"
)

// writtenRecord returns what a call writes of a record, as far as that is known
// before the call, when answer is nil, or with its answer. It is nil if no hook
// has a trigger for that record.
func (h *host) writtenRecord(s vm.Step, connection string, answer json.RawMessage) *change.Written {
	if s.Operation == nil || s.App.Echo == nil {
		return nil
	}
	edition := s.App.CatalogueOf(s.Operation).Qualify("")
	w := s.App.Echo.WriteOf(strings.TrimPrefix(s.Operation.Name, edition))
	if w == nil || !h.runner.config.Scripts.Generation().HasNoun(s.App.Name+"."+w.Noun) {
		return nil
	}
	made := &change.Written{
		Connection: connection, Noun: s.App.Name + "." + w.Noun, Record: recordID(w, s.Args, answer), Gone: w.Deletes,
		EchoRule: change.EchoRule{Free: s.App.Echo.Volatile, Version: s.App.Echo.Version, Within: w.Within, Verbs: w.Verbs, Changed: w.Changed},
	}
	if w.Within != "" && made.Version != "" {
		made.Version = w.Within + "." + made.Version
	}
	if made.Record == "" && answer != nil {
		return nil // the answer has no id of the record
	}
	if !w.Deletes {
		if answer != nil && w.State != "" {
			made.Fields = change.Fields{Within: w.Within, Names: s.App.CatalogueOf(s.Operation).FieldsAt(s.Operation.Answer, w.State)}
		}
		made.Data, made.Sent = recordData(w, s.Args, answer), sentFields(s.App.Echo, w, s.Args)
	}
	if answer != nil && h.runner.config.WrittenFingerprint != nil {
		made.Created = !isArgument(s.Args, made.Record)
		made.Fingerprint = h.runner.config.WrittenFingerprint(made)
	}
	return made
}

// isArgument reports whether a text is one of the arguments: a call with the id of a
// record does not create it.
func isArgument(args json.RawMessage, text string) (is bool) {
	gjson.ParseBytes(args).ForEach(func(_, value gjson.Result) bool {
		is = value.String() == text
		return !is
	})
	return is
}

// sentFields returns the names in events of the fields that a call sets: those of
// its arguments, and those that the vendor derives from them.
func sentFields(echo *bindings.Echo, w *bindings.Write, args json.RawMessage) []string {
	sent := []string{}
	gjson.ParseBytes(args).ForEach(func(name, _ gjson.Result) bool {
		sent = append(sent, name.String())
		return true
	})
	for event, ours := range w.Names {
		if i := slices.Index(sent, ours); i >= 0 {
			sent[i], _, _ = strings.Cut(event, ".")
		}
	}
	for made, of := range echo.Derived {
		if !slices.Contains(sent, made) && slices.ContainsFunc(of, func(name string) bool { return slices.Contains(sent, name) }) {
			sent = append(sent, made)
		}
	}
	return sent
}

// recordID returns the id of the record, empty if it is in the answer and that is
// not there yet.
func recordID(w *bindings.Write, args, answer json.RawMessage) string {
	if name, found := strings.CutPrefix(w.Record, bindings.ArgumentPrefix); found {
		return jsonpath.Text(args, name)
	}
	return jsonpath.Text(answer, w.Record)
}

// echoFields returns the fields that events of a trigger can have, of a record
// that calls of scripts may change.
func (r *Runner) echoFields(trigger string) (f change.Fields) {
	app, t := r.trigger(trigger)
	if t == nil || app.Echo == nil {
		return f
	}
	within, found := app.Echo.Within(bindings.TriggerName(trigger).Noun())
	if !found {
		return f
	}
	return change.Fields{Within: within, Names: app.Catalogue.FieldsAt(t.Data, within)}
}

// recordData returns the fields of the record under their names in events: those
// of the arguments, overwritten by those of the answer.
func recordData(w *bindings.Write, args, answer json.RawMessage) json.RawMessage {
	known := map[string]json.RawMessage{}
	add := func(from json.RawMessage) {
		gjson.ParseBytes(from).ForEach(func(name, value gjson.Result) bool {
			known[name.Str] = json.RawMessage(value.Raw)
			return true
		})
	}
	add(args)
	if w.State != "" {
		state, path := answer, w.State
		if path != bindings.Whole {
			state, _ = jsonpath.Lookup(answer, path)
		}
		add(state)
	}
	for event, ours := range w.Names {
		value, has := known[ours]
		delete(known, ours)
		if has {
			outer, inner, nested := strings.Cut(event, ".")
			if nested {
				value = json.RawMessage(fmt.Sprintf(`{%q:%s}`, inner, value))
			}
			known[outer] = value
		}
	}
	data, err := json.Marshal(known)
	if err == nil && w.Within != "" {
		data, err = json.Marshal(map[string]json.RawMessage{w.Within: data})
	}
	if err != nil {
		return nil
	}
	return data
}
