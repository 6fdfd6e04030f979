package openapi

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// merge puts the types of all documents into one space of names. A name that
// means the same in every document stays; one that means different things is
// prefixed by the group of its document.
func (t *types) merge(operations []*source.Operation, prefix func(document string) string) ([]*bindings.Definition, error) {
	print := t.fingerprints()
	variants := map[string]map[string]bool{}
	for _, d := range t.order {
		if variants[d.Name] == nil {
			variants[d.Name] = map[string]bool{}
		}
		variants[d.Name][print[d]] = true
	}
	rename := func(document, name string) string {
		if len(variants[name]) > 1 {
			return prefix(document) + "." + name
		}
		return name
	}
	var all []*bindings.Definition
	taken := map[string]string{}
	for _, d := range t.order {
		name := rename(t.document(d), d.Name)
		for i := range d.Fields {
			renameTypes(&d.Fields[i].Type, t.document(d), rename)
		}
		renameTypes(d.Is, t.document(d), rename)
		if there, found := taken[name]; found {
			if there != print[d] {
				return nil, fmt.Errorf("%s: type %q has the name of another", t.document(d), name)
			}
			continue
		}
		taken[name] = print[d]
		d.Name = name
		all = append(all, d)
	}
	for _, o := range operations {
		renameIn(o, rename)
	}
	return all, nil
}

func renameIn(o *source.Operation, rename func(document, name string) string) {
	for _, fields := range [][]bindings.Field{o.PathParams, o.Query, o.Header} {
		for i := range fields {
			renameTypes(&fields[i].Type, o.Group, rename)
		}
	}
	if o.Body != nil {
		renameTypes(&o.Body.Type, o.Group, rename)
	}
	renameTypes(o.Answer, o.Group, rename)
}

func renameTypes(t *bindings.Type, document string, rename func(document, name string) string) {
	if t == nil {
		return
	}
	if t.Kind == bindings.Named {
		t.Name = rename(document, t.Name)
	}
	for i := range t.OneOf {
		renameTypes(&t.OneOf[i], document, rename)
	}
	renameTypes(t.Items, document, rename)
}

// fingerprints gives for each type a text that two types share only if they
// are the same all the way down. It starts from what stands in the definition
// and puts into it, round after round, the texts of what it refers to, as
// numbers, until no more types part.
func (t *types) fingerprints() map[*bindings.Definition]string {
	print := map[*bindings.Definition]string{}
	for classes := 0; ; {
		numbers := map[string]int{}
		next := map[*bindings.Definition]string{}
		for _, d := range t.order {
			next[d] = t.render(d, print)
			numbers[next[d]] = 0
		}
		texts := slices.Sorted(maps.Keys(numbers))
		for i, text := range texts {
			numbers[text] = i
		}
		for _, d := range t.order {
			print[d] = fmt.Sprint(numbers[next[d]])
		}
		if len(texts) == classes {
			return print
		}
		classes = len(texts)
	}
}

// document is the name of the document that a type comes from.
func (t *types) document(d *bindings.Definition) string { return strings.TrimSuffix(t.of[d], ".json") }

// render prints a definition with the present prints of the types it names.
func (t *types) render(d *bindings.Definition, print map[*bindings.Definition]string) string {
	copied := bindings.Definition{Open: d.Open}
	name := func(_, name string) string { return name + "." + print[t.byName[t.scoped(t.of[d], name)]] }
	for _, f := range d.Fields {
		f.Type = clone(f.Type)
		renameTypes(&f.Type, "", name)
		copied.Fields = append(copied.Fields, f)
	}
	if d.Is != nil {
		is := clone(*d.Is)
		renameTypes(&is, "", name)
		copied.Is = &is
	}
	text, err := json.Marshal(copied)
	if err != nil {
		panic(err) // a type prints as text
	}
	return d.Name + " " + string(text)
}

func clone(t bindings.Type) bindings.Type {
	if t.Items != nil {
		items := clone(*t.Items)
		t.Items = &items
	}
	of := t.OneOf
	t.OneOf = nil
	for _, one := range of {
		t.OneOf = append(t.OneOf, clone(one))
	}
	return t
}
