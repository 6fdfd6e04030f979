package document

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// define adds the object called name with these fields.
func (q *reader) define(name string, fields []fieldFacts) error {
	made, err := q.fields(name, fields)
	if err != nil {
		return err
	}
	_, err = q.types.Add(name, made)
	return err
}

// fields reads fields of the object called owner.
func (q *reader) fields(owner string, fields []fieldFacts) ([]bindings.Field, error) {
	var out []bindings.Field
	for _, f := range fields {
		t, err := q.fieldType(owner, f)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.Name, err)
		}
		out = append(out, bindings.Field{Name: f.Name, Required: f.Required == true, Type: t})
	}
	return out, nil
}

func (q *reader) fieldType(owner string, f fieldFacts) (bindings.Type, error) {
	text, nullable := strings.CutSuffix(f.Type, "?")
	if nullable {
		f.Type = text
	}
	if len(f.Enum) > 0 {
		return q.listed(f, source.Enum(f.Enum)), nil
	}
	if len(f.Fields) > 0 {
		name := owner + source.Camel(strings.TrimSuffix(f.Name, "[]"))
		made, err := q.fields(name, f.Fields)
		if err != nil {
			return bindings.Type{}, err
		}
		t, err := q.types.Share(made, name)
		if err != nil {
			return bindings.Type{}, err
		}
		return q.listed(f, *t), nil
	}
	t, err := q.parse(owner, f.Name, f.Type)
	if err != nil {
		return t, err
	}
	return q.listed(f, t), nil
}

// listed makes a list of a field whose name or type ends with brackets.
func (q *reader) listed(f fieldFacts, t bindings.Type) bindings.Type {
	if t.Kind != bindings.List && (strings.HasSuffix(f.Name, "[]") || strings.HasPrefix(f.Type, "object[]")) {
		return bindings.Type{Kind: bindings.List, Items: &t}
	}
	return t
}

// parse reads the notation of a type: "string(email)", "uuid[]",
// "object{type,value}", "object[]{id,errors[{code}]}", or a schema's name.
func (q *reader) parse(owner, field, text string) (bindings.Type, error) {
	if members, found := strings.CutPrefix(text, "object[]{"); found {
		item, err := q.members(owner, field, members)
		return bindings.Type{Kind: bindings.List, Items: &item}, err
	}
	if members, found := strings.CutPrefix(text, "object{"); found {
		return q.members(owner, field, members)
	}
	if text, found := strings.CutSuffix(text, "[]"); found {
		item, err := q.parse(owner, field, text)
		return bindings.Type{Kind: bindings.List, Items: &item}, err
	}
	if strings.HasPrefix(text, "string(decimal") || text == "string" && decimals[field] {
		return bindings.Type{Kind: bindings.Decimal}, nil
	}
	name, _, _ := strings.Cut(text, "(")
	switch name {
	case "string", "uuid", "date", "datetime":
		return bindings.Type{Kind: bindings.String}, nil
	case "number":
		return bindings.Type{Kind: bindings.Number}, nil
	case "integer":
		return bindings.Type{Kind: bindings.Integer}, nil
	case "boolean":
		return bindings.Type{Kind: bindings.Boolean}, nil
	case "object":
		return bindings.Type{Kind: bindings.Object}, nil
	case "binary":
		return bindings.Type{Kind: bindings.File}, nil
	}
	if q.schemas[text] == nil {
		return bindings.Type{}, fmt.Errorf("unknown type %q", text)
	}
	return bindings.Type{Kind: bindings.Named, Name: source.Camel(text)}, nil
}

// decimals are the fields whose text is a decimal number.
var decimals = map[string]bool{
	"amount": true, "quantity": true, "value": true, "vat_rate": true, "stamp_duty_amount": true,
	"payment_lifespan_limit": true, "payment_monthly_limit": true, "total_transfers_amount": true,
}

// memberTypes are the types of members whose notation has names only;
// members that are not listed are text.
var memberTypes = map[string]string{
	"attachment_ids":                  "string[]",
	"beneficiary":                     "object{name,iban,bic,email,activity_tag}",
	"discount":                        "object{type,value}",
	"legal_capital_share":             "object",
	"notify_client":                   "boolean",
	"offset_days":                     "integer",
	"schedule_total_collection_count": "integer",
	"unit_price":                      "money",
}

// members reads the text between the braces of an object.
func (q *reader) members(owner, field, text string) (bindings.Type, error) {
	name := owner + source.Camel(strings.TrimSuffix(field, "[]"))
	body, rest := closing(text)
	if rest != "" {
		return bindings.Type{}, fmt.Errorf("unexpected %q behind an object", rest)
	}
	var fields []bindings.Field
	for body != "" {
		var member string
		member, body = split(body)
		word, inner, nested := strings.Cut(member, "{")
		kind, known := memberTypes[word]
		switch {
		case nested && strings.HasSuffix(word, "["):
			word, kind = strings.TrimSuffix(word, "["), "object[]{"+strings.TrimSuffix(inner, "]")
		case nested:
			kind = "object{" + inner
		case !known:
			kind = "string"
		}
		t, err := q.parse(name, word, kind)
		if err != nil {
			return t, err
		}
		fields = append(fields, bindings.Field{Name: word, Type: t})
	}
	if len(fields) == 2 && fields[0].Name == "value" && fields[1].Name == "currency" {
		return bindings.Type{Kind: bindings.Named, Name: "Money"}, nil
	}
	t, err := q.types.Share(fields, name)
	if err != nil {
		return bindings.Type{}, err
	}
	return *t, nil
}

// closing splits text at the brace that closes the one before it.
func closing(text string) (body, rest string) {
	depth := 1
	for i, r := range text {
		switch r {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return text[:i], text[i+1:]
			}
		}
	}
	return text, ""
}

// split splits text at the first comma outside braces.
func split(text string) (member, rest string) {
	depth := 0
	for i, r := range text {
		switch {
		case r == '{':
			depth++
		case r == '}':
			depth--
		case r == ',' && depth == 0:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}
