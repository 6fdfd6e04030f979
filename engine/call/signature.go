package call

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// What a signature shows at most.
const (
	signatureWidth    = 100
	signatureOptional = 16
	signatureValues   = 6
)

// Signature writes what an operation takes as a script would: required
// arguments first, then with a question mark the optional ones and the account,
// which the connection has.
//
//	highlevel.contacts.create_task { contactId: string, title: string, body?: string }
func Signature(app *bindings.App, op *bindings.Operation) string {
	s := newShape(app, op)
	parts := s.parts(s.args, true)
	required := len(parts)
	parts = append(parts, s.parts(s.args, false)...)
	if more := len(parts) - required - signatureOptional; more > 1 {
		parts = append(parts[:required+signatureOptional], fmt.Sprintf("… %d more", more))
	}
	if s.anyName {
		parts = append(parts, "… any other")
	}
	if len(parts) == 0 {
		return app.Name + "." + op.Name + " {}"
	}
	return wrap(app.Name+"."+op.Name+" {", parts)
}

func (s *shape) parts(all []*argument, required bool) []string {
	var parts []string
	for _, a := range all {
		if (a.required && !a.account) != required {
			continue
		}
		name := a.name
		if !required {
			name += "?"
		}
		parts = append(parts, name+": "+s.typeOf(a))
	}
	return parts
}

func (s *shape) typeOf(a *argument) string {
	if len(a.params) > 0 {
		return s.typeName(&a.params[0].typ)
	}
	inner := append(s.parts(a.members, true), s.parts(a.members, false)...)
	if more := len(inner) - signatureOptional; more > 1 {
		inner = append(inner[:signatureOptional], fmt.Sprintf("… %d more", more))
	}
	return "{ " + strings.Join(inner, ", ") + " }"
}

// typeName is short: a named type is shown by its kind, without its fields.
func (s *shape) typeName(declared *bindings.Type) string {
	t, _ := s.resolve(declared)
	switch t.Kind {
	case bindings.Object, bindings.Map:
		return "table"
	case bindings.List:
		return "[" + s.typeName(t.Items) + "]"
	case bindings.Decimal, bindings.Int64:
		return t.String()
	case bindings.Enum:
		if more := len(t.Values) - signatureValues; more > 1 {
			return strings.Join(t.Values[:signatureValues], "|") + "|…"
		}
	case bindings.Union:
		var of []string
		for i := range t.OneOf {
			if name := s.typeName(&t.OneOf[i]); !slices.Contains(of, name) {
				of = append(of, name)
			}
		}
		return strings.Join(of, "|")
	}
	return t.String()
}

// wrap breaks a long list into lines of a bounded width.
func wrap(head string, parts []string) string {
	if line := head + " " + strings.Join(parts, ", ") + " }"; len(line) <= signatureWidth {
		return line
	}
	var b strings.Builder
	b.WriteString(head)
	width := signatureWidth
	for i, part := range parts {
		if width+len(part)+2 > signatureWidth {
			b.WriteString("\n ")
			width = 2
		}
		b.WriteString(" " + part)
		width += len(part) + 2
		if i < len(parts)-1 {
			b.WriteString(",")
		}
	}
	return b.String() + "\n}"
}
