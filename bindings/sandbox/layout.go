package sandbox

import (
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// types searches the types of one catalogue.
type types struct {
	*bindings.Catalogue
	rules *Rules
}

func (m *model) types(op *bindings.Operation) types { return types{m.app.CatalogueOf(op), m.rules} }

// layout finds the path of the list or the record in the answer.
func (m *model) layout(p *plan) {
	if p.verb == List || p.verb == CreateAll {
		p.items, p.item = p.types.listPath(p.op, p.resource.noun)
	} else {
		p.envelope, p.item = p.types.envelope(p.op, p.resource.noun)
	}
	if p.rule != nil && p.rule.Envelope != "" {
		p.envelope = p.rule.Envelope
		if f := fieldOf(p.types.answerDefinition(p.op), p.envelope); f != nil {
			p.item = &f.Type
		}
	}
}

func (c types) answerDefinition(op *bindings.Operation) *bindings.Definition {
	if op.Answer == nil {
		return nil
	}
	_, d := c.Resolve(op.Answer)
	return d
}

// listPath returns the path of the list in the answer and the type of its items.
// Pages names it; else it is the list named as the resource, else the first list
// of objects, else the first list.
func (c types) listPath(op *bindings.Operation, noun string) (string, *bindings.Type) {
	if op.Pages != nil && op.Pages.Items == bindings.OneList {
		return lastWord(op), nil
	}
	if op.Answer == nil {
		return "", nil
	}
	if op.Pages != nil && op.Pages.Items != "" {
		return op.Pages.Items, c.itemAt(op.Answer, steps(op.Pages.Items))
	}
	resolved, d := c.Resolve(op.Answer)
	if resolved.Kind == bindings.List {
		return "", resolved.Items
	}
	if d == nil {
		return "", nil
	}
	if path, items := c.bestList(d, noun); path != "" {
		return path, items
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		if _, inner := c.Resolve(&f.Type); inner != nil && (alike(f.Name, noun) || Fold(f.Name) == "data") {
			if path, items := c.bestList(inner, noun); path != "" {
				return f.Name + "." + path, items
			}
		}
	}
	return "", nil
}

func (c types) bestList(d *bindings.Definition, noun string) (string, *bindings.Type) {
	path, score := "", 0
	var items *bindings.Type
	for i := range d.Fields {
		f := &d.Fields[i]
		t, _ := c.Resolve(&f.Type)
		if t.Kind != bindings.List {
			continue
		}
		n := 1
		if c.hasFields(t.Items) {
			n = 2
		}
		if alike(f.Name, noun) {
			n += 4
		}
		if n > score {
			path, items, score = f.Name, t.Items, n
		}
	}
	return path, items
}

func (c types) itemAt(t *bindings.Type, path []string) *bindings.Type {
	if t = c.typeAt(t, path); t == nil {
		return nil
	}
	if resolved, _ := c.Resolve(t); resolved.Kind == bindings.List {
		return resolved.Items
	}
	return nil
}

// typeAt returns the declared type at a path; nil if nothing is declared.
func (c types) typeAt(t *bindings.Type, path []string) *bindings.Type {
	for _, step := range path {
		if step == "" || t == nil {
			continue
		}
		_, d := c.Resolve(t)
		f := fieldOf(d, step)
		if f == nil {
			return nil
		}
		t = &f.Type
	}
	return t
}

// answersList reports whether an operation answers with many records.
func (c types) answersList(op *bindings.Operation) bool {
	if op.Pages != nil {
		return true
	}
	if op.Answer == nil {
		return false
	}
	resolved, d := c.Resolve(op.Answer)
	if resolved.Kind == bindings.List {
		return true
	}
	if d == nil || c.hasID(op.Answer) {
		return false
	}
	noun := lastNoun(op)
	if field, item := c.envelope(op, noun); field != "" && (alike(field, noun) || c.hasID(item)) {
		return false
	}
	_, items := c.listPath(op, noun)
	return items != nil && (c.hasFields(items) || len(d.Fields) <= 2)
}

func lastNoun(op *bindings.Operation) string { return Singular(Fold(lastWord(op))) }

// lastWord is the last part of the path that is no parameter.
func lastWord(op *bindings.Operation) string {
	path := template(op.Path)
	for i := len(path) - 1; i >= 0; i-- {
		if !path[i].param {
			return path[i].text
		}
	}
	return ""
}

// envelope returns the field of the answer around one record and the record's
// type; an answer that has an id is the record itself.
func (c types) envelope(op *bindings.Operation, noun string) (string, *bindings.Type) {
	d := c.answerDefinition(op)
	if d == nil {
		return "", op.Answer
	}
	if c.hasID(op.Answer) {
		return "", op.Answer
	}
	var only *bindings.Field
	count := 0
	for i := range d.Fields {
		f := &d.Fields[i]
		t, _ := c.Resolve(&f.Type)
		if t.Kind != bindings.Object && t.Kind != bindings.Map {
			continue
		}
		if noun != "" && Fold(f.Name) == noun {
			return f.Name, &f.Type
		}
		if c.hasID(&f.Type) || count == 0 {
			only = f
		}
		count++
	}
	if only != nil && (count == 1 && len(d.Fields) <= 4 || c.hasID(&only.Type)) {
		return only.Name, &only.Type
	}
	return "", op.Answer
}

// bulkField is the one list of objects in a body.
func (c types) bulkField(op *bindings.Operation) string {
	if op.Body == nil {
		return ""
	}
	_, d := c.Resolve(&op.Body.Type)
	found := ""
	for i := 0; d != nil && i < len(d.Fields); i++ {
		t, _ := c.Resolve(&d.Fields[i].Type)
		if t.Kind != bindings.List {
			continue
		}
		if items, _ := c.Resolve(t.Items); items.Kind != bindings.Object || found != "" {
			return ""
		}
		found = d.Fields[i].Name
	}
	return found
}

func (c types) hasID(t *bindings.Type) bool {
	if t == nil {
		return false
	}
	_, d := c.Resolve(t)
	return slices.ContainsFunc(c.rules.IDs, func(name string) bool { return fieldOf(d, name) != nil })
}

func (c types) hasFields(t *bindings.Type) bool {
	if t == nil {
		return false
	}
	_, d := c.Resolve(t)
	return d != nil && len(d.Fields) > 0
}

func (c types) bodyField(op *bindings.Operation, name string) *bindings.Field {
	if op.Body == nil {
		return nil
	}
	_, d := c.Resolve(&op.Body.Type)
	f := fieldOf(d, name)
	if f == nil {
		return nil
	}
	resolved, _ := c.Resolve(&f.Type)
	return &bindings.Field{Name: f.Name, Required: f.Required, Type: resolved}
}

// byShortName finds a resource by its whole name, or by its last word if only one
// resource has it.
func (m *model) byShortName(name string) *resource {
	name = strings.Trim(name, "/")
	if other, found := m.rules.Aliases[name]; found {
		name = other
	}
	if r := m.resources[name]; r != nil {
		return r
	}
	var found *resource
	for _, key := range slices.Sorted(maps.Keys(m.resources)) {
		if strings.HasSuffix(key, "/"+name) {
			if found != nil {
				return nil
			}
			found = m.resources[key]
		}
	}
	return found
}
