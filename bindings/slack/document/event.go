package document

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// eventFacts is a type of event in events.json, or a subtype of one.
type eventFacts struct {
	Type    string
	Subtype string
	Fields  []fieldFacts
}

// subtyped is the type whose subtypes are events of their own, so that the type
// alone requires that there is no subtype.
const subtyped = "message"

func (s *reader) event(e eventFacts) error {
	fields := []bindings.Field{{Name: "type", Type: source.Enum([]string{e.Type})}}
	if e.Subtype != "" {
		fields = append(fields, bindings.Field{Name: "subtype", Type: source.Enum([]string{e.Subtype})})
	}
	made, err := fieldsOf(e.Fields)
	if err != nil {
		return err
	}
	// Required fields are the vendor's duty; no event is refused for one.
	for _, f := range made {
		f.Required = false
		fields = append(fields, f)
	}
	t := &source.Trigger{From: "events.json: " + e.Type}
	t.Vendor, t.Record = e.Type, recordOf(e)
	if e.Type == subtyped {
		t.When = map[string]string{"event.subtype": e.Subtype}
	}
	if e.Subtype != "" {
		t.Key, t.From = e.Type+":"+e.Subtype, t.From+" "+e.Subtype
	}
	if t.Data, err = s.types.Add(source.Camel(e.Type+"_"+e.Subtype)+"Event", fields); err != nil {
		return err
	}
	s.source.Triggers = append(s.source.Triggers, t)
	return nil
}

// nouns are the nouns whose id has another name.
var nouns = map[string]string{
	"dnd": "user", "group": "channel", "im": "channel", "member": "user", "pin": "channel", "shared": "invite", "star": "user",
}

// recordOf is the field with the id of the noun that the event's type begins with:
// file_id, channel, or the id within an object called user. A message is
// identified by its time.
func recordOf(e eventFacts) string {
	noun, _, _ := strings.Cut(e.Type, "_")
	if e.Type == subtyped {
		return "ts"
	}
	if other := nouns[noun]; other != "" {
		noun = other
	}
	for _, f := range e.Fields {
		switch {
		case f.Name == noun+"_id":
			return f.Name
		case f.Name == noun && f.Type == "object":
			return f.Name + ".id"
		case f.Name == noun && f.Type == "string":
			return f.Name
		}
	}
	return ""
}
