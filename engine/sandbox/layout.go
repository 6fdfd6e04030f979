package sandbox

import (
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// layout finds where in the answer the list or the record stands.
func (m *model) layout(p *plan) {
	if p.verb == list || p.verb == createAll {
		p.items, p.item = m.listPath(p.op, p.resource.noun)
	} else {
		p.envelope, p.item = m.envelope(p.op, p.resource.noun)
	}
	if p.rule != nil && p.rule.envelope != "" {
		p.envelope = p.rule.envelope
		if f := fieldOf(m.answerDefinition(p.op), p.envelope); f != nil {
			p.item = &f.Type
		}
	}
}

func (m *model) answerDefinition(op *bindings.Operation) *bindings.Definition {
	if op.Answer == nil {
		return nil
	}
	_, d := m.app.Catalogue.Resolve(op.Answer)
	return d
}

// listPath gives the path of the list in the answer and the type of its
// items. Pages names it; else it is the list named as the resource, else the
// first list of objects, else the first list.
func (m *model) listPath(op *bindings.Operation, noun string) (string, *bindings.Type) {
	if op.Answer == nil {
		return "", nil
	}
	if op.Pages != nil && op.Pages.Items != "" {
		return op.Pages.Items, m.itemAt(op.Answer, steps(op.Pages.Items))
	}
	resolved, d := m.app.Catalogue.Resolve(op.Answer)
	if resolved.Kind == bindings.List {
		return "", resolved.Items
	}
	if d == nil {
		return "", nil
	}
	if path, items := m.bestList(d, noun); path != "" {
		return path, items
	}
	for i := range d.Fields {
		f := &d.Fields[i]
		if _, inner := m.app.Catalogue.Resolve(&f.Type); inner != nil && (alike(f.Name, noun) || fold(f.Name) == "data") {
			if path, items := m.bestList(inner, noun); path != "" {
				return f.Name + "." + path, items
			}
		}
	}
	return "", nil
}

func (m *model) bestList(d *bindings.Definition, noun string) (string, *bindings.Type) {
	path, score := "", 0
	var items *bindings.Type
	for i := range d.Fields {
		f := &d.Fields[i]
		t, _ := m.app.Catalogue.Resolve(&f.Type)
		if t.Kind != bindings.List {
			continue
		}
		n := 1
		if m.hasFields(t.Items) {
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

func (m *model) itemAt(t *bindings.Type, path []string) *bindings.Type {
	if t = m.typeAt(t, path); t == nil {
		return nil
	}
	if resolved, _ := m.app.Catalogue.Resolve(t); resolved.Kind == bindings.List {
		return resolved.Items
	}
	return nil
}

// typeAt gives the declared type at a path, nil where nothing is declared.
func (m *model) typeAt(t *bindings.Type, path []string) *bindings.Type {
	for _, step := range path {
		if step == "" || t == nil {
			continue
		}
		_, d := m.app.Catalogue.Resolve(t)
		f := fieldOf(d, step)
		if f == nil {
			return nil
		}
		t = &f.Type
	}
	return t
}

// answersList reports whether an operation answers many records.
func (m *model) answersList(op *bindings.Operation) bool {
	if op.Pages != nil {
		return true
	}
	if op.Answer == nil {
		return false
	}
	resolved, d := m.app.Catalogue.Resolve(op.Answer)
	if resolved.Kind == bindings.List {
		return true
	}
	if d == nil || m.hasID(op.Answer) {
		return false
	}
	noun := lastNoun(op)
	if field, item := m.envelope(op, noun); field != "" && (alike(field, noun) || m.hasID(item)) {
		return false
	}
	_, items := m.listPath(op, noun)
	return items != nil && (m.hasFields(items) || len(d.Fields) <= 2)
}

func lastNoun(op *bindings.Operation) string {
	path := template(op.Path)
	for i := len(path) - 1; i >= 0; i-- {
		if !path[i].param {
			return singular(fold(path[i].text))
		}
	}
	return ""
}

// envelope gives the field of the answer around one record and the record's
// type; an answer that has an id is the record itself.
func (m *model) envelope(op *bindings.Operation, noun string) (string, *bindings.Type) {
	d := m.answerDefinition(op)
	if d == nil {
		return "", op.Answer
	}
	if m.hasID(op.Answer) {
		return "", op.Answer
	}
	var only *bindings.Field
	count := 0
	for i := range d.Fields {
		f := &d.Fields[i]
		t, _ := m.app.Catalogue.Resolve(&f.Type)
		if t.Kind != bindings.Object && t.Kind != bindings.Map {
			continue
		}
		if noun != "" && fold(f.Name) == noun {
			return f.Name, &f.Type
		}
		if m.hasID(&f.Type) || count == 0 {
			only = f
		}
		count++
	}
	if only != nil && (count == 1 && len(d.Fields) <= 4 || m.hasID(&only.Type)) {
		return only.Name, &only.Type
	}
	return "", op.Answer
}

// bulkField is the one list of objects in a body.
func (m *model) bulkField(op *bindings.Operation) string {
	if op.Body == nil {
		return ""
	}
	_, d := m.app.Catalogue.Resolve(&op.Body.Type)
	found := ""
	for i := 0; d != nil && i < len(d.Fields); i++ {
		t, _ := m.app.Catalogue.Resolve(&d.Fields[i].Type)
		if t.Kind != bindings.List {
			continue
		}
		if items, _ := m.app.Catalogue.Resolve(t.Items); items.Kind != bindings.Object || found != "" {
			return ""
		}
		found = d.Fields[i].Name
	}
	return found
}

func (m *model) hasID(t *bindings.Type) bool {
	if t == nil {
		return false
	}
	_, d := m.app.Catalogue.Resolve(t)
	return fieldOf(d, "id") != nil || fieldOf(d, "_id") != nil
}

func (m *model) hasFields(t *bindings.Type) bool {
	if t == nil {
		return false
	}
	_, d := m.app.Catalogue.Resolve(t)
	return d != nil && len(d.Fields) > 0
}

func (m *model) bodyField(op *bindings.Operation, name string) *bindings.Field {
	if op.Body == nil {
		return nil
	}
	_, d := m.app.Catalogue.Resolve(&op.Body.Type)
	f := fieldOf(d, name)
	if f == nil {
		return nil
	}
	resolved, _ := m.app.Catalogue.Resolve(&f.Type)
	return &bindings.Field{Name: f.Name, Required: f.Required, Type: resolved}
}

// short finds a resource by its whole name, or by its last word where only
// one resource has it.
func (m *model) short(name string) *resource {
	name = strings.Trim(name, "/")
	if other, found := m.rules.aliases[name]; found {
		name = other
	}
	if r := m.resources[name]; r != nil {
		return r
	}
	var found *resource
	for _, key := range sorted(m.resources) {
		if strings.HasSuffix(key, "/"+name) {
			if found != nil {
				return nil
			}
			found = m.resources[key]
		}
	}
	return found
}
