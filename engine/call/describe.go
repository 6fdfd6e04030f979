package call

import (
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Description documents an operation for the authors of scripts.
type Description struct {
	Operation string     `json:"operation"` // as scripts write it
	Method    string     `json:"method"`
	Path      string     `json:"path"`
	Signature string     `json:"signature"`
	Arguments []Argument `json:"arguments"`
	// AnyOther is set when the vendor accepts names beyond the declared ones.
	AnyOther bool `json:"any_other,omitempty"`
	// Answer lists the fields of a successful answer, as far as they are known.
	Answer   []Argument `json:"answer,omitempty"`
	Scopes   []string   `json:"scopes,omitempty"`    // all of them
	AnyScope []string   `json:"any_scope,omitempty"` // one of them
	ReadOnly bool       `json:"read_only"`
	// Repeat is when the call may be sent again: "always", "with its
	// idempotency key", the condition under which it is idempotent, or "never".
	Repeat string `json:"repeat"`
	Each   string `json:"each,omitempty"` // the list that each walks
	// Limits are the vendor's rate limits that a call counts against.
	Limits     []string `json:"limits,omitempty"`
	Consent    bool     `json:"consent,omitempty"` // the vendor's customer may have to agree
	Inferred   bool     `json:"inferred,omitempty"`
	Deprecated bool     `json:"deprecated,omitempty"`
	Example    string   `json:"example"` // a call in Lua
}

// Argument is a name of the flat table that an operation takes, or of its answer.
type Argument struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
	In       string `json:"in,omitempty"` // path, query, header, body or address
	// Account is set when the connection has a value for it that is used where
	// the script passes none.
	Account bool `json:"account,omitempty"`
}

var placeNames = map[place]string{inPath: "path", inQuery: "query", inHeader: "header", inBody: "body", inAddress: "address"}

// Describe returns the description of an operation.
func Describe(app *bindings.App, op *bindings.Operation) Description {
	s := newShape(app, op)
	d := Description{
		Operation: app.Name + "." + op.Name, Method: op.Method, Path: op.Path, Signature: Signature(app, op),
		AnyOther: s.anyName, Scopes: op.Scopes, AnyScope: op.AnyScope, ReadOnly: op.ReadOnly(), Repeat: repeatText(op),
		Consent: op.Consent, Inferred: op.Inferred, Deprecated: op.Deprecated, Example: s.example(app, op), Arguments: []Argument{},
	}
	for _, limit := range app.Limits {
		if limit.Name == "" || limit.Name == op.Limit {
			d.Limits = append(d.Limits, limit.String())
		}
	}
	for _, a := range s.args {
		d.Arguments = append(d.Arguments, Argument{
			Name: a.name, Type: s.typeOf(a), Required: a.required && !a.account, In: a.placeName(), Account: a.account,
		})
	}
	if _, definition := s.resolve(op.Answer); definition != nil {
		for _, f := range definition.Fields {
			d.Answer = append(d.Answer, Argument{Name: f.Name, Type: s.typeName(&f.Type), Required: f.Required})
		}
	}
	if op.Pages != nil {
		switch d.Each = op.Pages.Items; d.Each {
		case "":
			d.Each = "the answer"
		case bindings.OneList:
			d.Each = "the list in the answer"
		}
	}
	return d
}

func (a *argument) placeName() string {
	for len(a.params) == 0 && len(a.members) > 0 {
		a = a.members[0]
	}
	if len(a.params) == 0 {
		return ""
	}
	return placeNames[a.params[0].place]
}

func repeatText(op *bindings.Operation) string {
	switch {
	case op.ReadOnly():
		return "always"
	case op.Idempotent != "":
		return op.Idempotent
	case op.Key:
		return "with its idempotency key"
	}
	return "never"
}

// example is a call in Lua with the required arguments.
func (s *shape) example(app *bindings.App, op *bindings.Operation) string {
	var fields []string
	for _, a := range s.args {
		if a.required && !a.account {
			fields = append(fields, luaKey(a.name)+" = "+s.sample(a, 0))
		}
	}
	name := app.Name + "." + op.Name
	call := name + " { " + strings.Join(fields, ", ") + " }"
	if len(fields) == 0 {
		call = name + " {}"
	}
	if op.Pages != nil {
		call = strings.Replace(call, name+" ", "each("+name+", ", 1)
		return "for item in " + call + ") do … end"
	}
	if op.ReadOnly() || op.Answer != nil {
		return "local answer = " + call
	}
	return call
}

const maxSampleDepth = 3

// sample is a Lua value of an argument's type.
func (s *shape) sample(a *argument, depth int) string {
	if len(a.params) > 0 {
		return s.sampleOf(&a.params[0].typ, depth)
	}
	var fields []string
	for _, m := range a.members {
		if m.required {
			fields = append(fields, luaKey(m.name)+" = "+s.sample(m, depth+1))
		}
	}
	return braces(fields)
}

func (s *shape) sampleOf(declared *bindings.Type, depth int) string {
	t, definition := s.resolve(declared)
	switch t.Kind {
	case bindings.Number, bindings.Integer:
		return "1"
	case bindings.Boolean:
		return "true"
	case bindings.Enum:
		return t.Values[0]
	case bindings.Decimal, bindings.Int64:
		return `"1"`
	case bindings.Union:
		return s.sampleOf(&t.OneOf[0], depth)
	case bindings.List:
		if depth >= maxSampleDepth {
			return "{}"
		}
		return braces([]string{s.sampleOf(t.Items, depth+1)})
	case bindings.Object, bindings.Map, bindings.Any:
		var fields []string
		if definition != nil && depth < maxSampleDepth {
			for _, f := range definition.Fields {
				if f.Required {
					fields = append(fields, luaKey(f.Name)+" = "+s.sampleOf(&f.Type, depth+1))
				}
			}
		}
		return braces(fields)
	}
	return `"…"`
}

func braces(fields []string) string {
	if len(fields) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(fields, ", ") + " }"
}

// luaKey writes a field's name as a table's key.
func luaKey(name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
	if plain && (name[0] < '0' || name[0] > '9') && !luaWords[name] {
		return name
	}
	return `["` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"]`
}

var luaWords = map[string]bool{
	"and": true, "break": true, "do": true, "else": true, "elseif": true, "end": true, "false": true, "for": true,
	"function": true, "goto": true, "if": true, "in": true, "local": true, "nil": true, "not": true, "or": true,
	"repeat": true, "return": true, "then": true, "true": true, "until": true, "while": true,
}

// TriggerDescription documents a trigger for the authors of scripts.
type TriggerDescription struct {
	Trigger string `json:"trigger"`
	// Vendor is the vendor's own type of the event.
	Vendor string `json:"vendor,omitempty"`
	// ComesBy lists how its events arrive: webhook, poll and the poll's name.
	ComesBy []string `json:"comes_by"`
	// RespondWithin is how long a script may take for an answer that the vendor reads;
	// zero: it reads none.
	RespondWithin bindings.Duration `json:"respond_within,omitempty"`

	Record   string     `json:"record,omitempty"` // the path in event.data that makes the default lane
	Scopes   []string   `json:"scopes,omitempty"`
	Data     []Argument `json:"data,omitempty"` // the fields of event.data, as far as they are known
	Inferred bool       `json:"inferred,omitempty"`
	Example  string     `json:"example"`
}

// DescribeTrigger returns the description of a trigger.
func DescribeTrigger(app *bindings.App, t *bindings.Trigger) TriggerDescription {
	d := TriggerDescription{
		Trigger: t.Name, Vendor: t.Vendor, Record: t.Record, Scopes: t.Scopes, Inferred: t.Inferred, ComesBy: []string{}, RespondWithin: t.RespondWithin,
		Example: `on("` + t.Name + `", function(event) … end)`,
	}
	if t.Vendor != "" && app.Webhook != nil {
		d.ComesBy = append(d.ComesBy, "webhook")
	}
	for i := range app.Polls {
		if p := &app.Polls[i]; slices.Contains(p.Triggers(), t.Name) || p.Sync != nil && p.Sync.Feed && t.Vendor != "" {
			d.ComesBy = append(d.ComesBy, "poll "+p.Name)
		}
	}
	s := &shape{catalogue: app.Catalogue}
	if _, definition := s.resolve(t.Data); definition != nil {
		for _, f := range definition.Fields {
			d.Data = append(d.Data, Argument{Name: f.Name, Type: s.typeName(&f.Type), Required: f.Required})
		}
	}
	return d
}
