package document

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// eventFacts is a type of webhook with the values of data.event that were observed.
type eventFacts struct {
	Type       string
	Resource   string
	Scope      string
	Values     []string `json:"data_event_values"`
	Fields     []string `json:"data_fields"`
	Confidence string
}

// recordFields are the fields with the id of the record that an event is about, if
// it is not "id".
var recordFields = []string{"payment_link_id", "client_id"}

// event adds a trigger for each value, and one for the type as a whole if no value
// was observed, or if the field with the value was not.
func (q *reader) event(e eventFacts) error {
	var names []string
	for _, f := range e.Fields {
		name, _, _ := strings.Cut(f, "{")
		name, _, _ = strings.Cut(name, "(")
		names = append(names, name)
	}
	data, err := q.eventData(e, names)
	if err != nil {
		return err
	}
	hasValue := slices.Contains(names, "event")
	values := e.Values
	if !hasValue {
		values = append(slices.Clone(values), "")
	}
	for _, value := range values {
		t := &source.Trigger{Key: e.Resource + ":" + value, From: "facts.json: " + e.Type}
		t.Vendor, t.Data = e.Type, data
		t.Inferred = e.Confidence == "inferred" || !hasValue && len(values) > 1
		if len(e.Values) > 0 {
			t.When = map[string]string{"data.event": value}
		}
		if slices.Contains(names, "id") || len(names) == 0 {
			t.Record = "id"
		}
		for _, name := range recordFields {
			if slices.Contains(names, name) && t.Record == "" {
				t.Record = name
			}
		}
		if e.Scope != "" {
			t.Scopes = []string{e.Scope}
		}
		q.source.Triggers = append(q.source.Triggers, t)
	}
	return nil
}

// eventData is the type of an event's data. A field has its type in the resource,
// unless that is an amount of money or contains one: webhooks flatten those.
func (q *reader) eventData(e eventFacts, names []string) (*bindings.Type, error) {
	if len(names) == 0 {
		return nil, nil
	}
	noun := bindings.Singular(strings.ReplaceAll(e.Resource, "-", "_"))
	known := map[string]fieldFacts{}
	for _, f := range q.schemas[schemaOf(noun)] {
		known[f.Name] = f
	}
	var fields []bindings.Field
	for i, name := range names {
		t := bindings.Type{Kind: bindings.Any}
		f, found := known[name]
		switch {
		case name == "event" && len(e.Values) > 0:
			t = source.Enum(e.Values)
		case strings.HasSuffix(e.Fields[i], "(JSON-string)"):
			t = bindings.Type{Kind: bindings.String}
		case strings.HasSuffix(e.Fields[i], "{currency,value}"):
			t = bindings.Type{Kind: bindings.Named, Name: "Money"}
		case strings.HasSuffix(e.Fields[i], "}"):
			t = bindings.Type{Kind: bindings.Object}
		case found:
			declared, err := q.fieldType(source.Camel(noun), f)
			if err != nil {
				return nil, err
			}
			t = flattened(declared)
		case strings.HasSuffix(name, "_at") || name == "id" || strings.HasSuffix(name, "_id") || name == "status":
			t = bindings.Type{Kind: bindings.String}
		}
		fields = append(fields, bindings.Field{Name: name, Type: t})
	}
	return q.types.Add(source.Camel(noun)+"Event", fields)
}

// flattened is the type without objects that may have become scalars.
func flattened(t bindings.Type) bindings.Type {
	switch {
	case t.Kind == bindings.Named && t.Name != "Address":
		return bindings.Type{Kind: bindings.Any}
	case t.Kind == bindings.List && t.Items.Kind == bindings.Named:
		return bindings.Type{Kind: bindings.List, Items: &bindings.Type{Kind: bindings.Object}}
	}
	return t
}

// schemaOf is the resource that an event of this noun is about.
func schemaOf(noun string) string {
	switch noun {
	case "account":
		return "bank_account"
	case "beneficiary", "membership", "card", "organization":
		return noun
	}
	return strings.Replace(noun, "sepa_direct_debit_", "sdd_", 1)
}
