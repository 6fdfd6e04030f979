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

// merge returns the types of all documents with unique names. A type that is the
// same in every document has its own name; types that are different have the
// prefix of their document before it.
func (t *types) merge(operations []*source.Operation, prefix func(document string) string) ([]*bindings.Definition, error) {
	classes := t.classes()
	variants := map[string]map[string]bool{}
	for _, d := range t.order {
		if variants[d.Name] == nil {
			variants[d.Name] = map[string]bool{}
		}
		variants[d.Name][classes[d]] = true
	}
	rename := func(document, name string) string {
		if len(variants[name]) > 1 {
			return prefix(document) + "." + name
		}
		return name
	}
	var all []*bindings.Definition
	named := map[string]string{} // the class of the type with a name
	for _, d := range t.order {
		name := rename(t.document(d), d.Name)
		for i := range d.Fields {
			renameTypes(&d.Fields[i].Type, t.document(d), rename)
		}
		renameTypes(d.Is, t.document(d), rename)
		if class, found := named[name]; found {
			if class != classes[d] {
				return nil, fmt.Errorf("%s: type %q has the name of another", t.document(d), name)
			}
			continue
		}
		named[name] = classes[d]
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

// classes returns for each type the number of its class. Two types are in the
// same class if they and all types that they refer to are the same. It is
// partition refinement: the first round compares the definitions alone, each
// further round also the classes of the types that they refer to, until the
// number of classes does not grow any more.
func (t *types) classes() map[*bindings.Definition]string {
	classes := map[*bindings.Definition]string{}
	for count := 0; ; {
		numbers := map[string]int{}
		next := map[*bindings.Definition]string{}
		for _, d := range t.order {
			next[d] = t.render(d, classes)
			numbers[next[d]] = 0
		}
		texts := slices.Sorted(maps.Keys(numbers))
		for i, text := range texts {
			numbers[text] = i
		}
		for _, d := range t.order {
			classes[d] = fmt.Sprint(numbers[next[d]])
		}
		if len(texts) == count {
			return classes
		}
		count = len(texts)
	}
}

// document returns the name of the document that a type comes from.
func (t *types) document(d *bindings.Definition) string {
	return strings.TrimSuffix(t.fileOf[d], ".json")
}

// render returns the text of a definition, with the classes of the types that it
// refers to.
func (t *types) render(d *bindings.Definition, classes map[*bindings.Definition]string) string {
	copied := bindings.Definition{Open: d.Open}
	name := func(_, name string) string { return name + "." + classes[t.byName[t.scoped(t.fileOf[d], name)]] }
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
		panic(err) // a type always has a text form
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
