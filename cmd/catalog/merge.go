package main

import (
	"encoding/json"
	"fmt"
	"sort"

	"github.com/tidewire/tidewire/bindings"
)

// merge puts the types of all documents into one space of names. A name that
// means the same in every document stays; one that means different things is
// prefixed by the group of its document.
func (api *openAPI) merge(operations []*Operation, prefix func(document string) string) ([]*bindings.Definition, error) {
	print := api.fingerprints()
	variants := map[string]map[string]bool{}
	for _, t := range api.order {
		if variants[t.Name] == nil {
			variants[t.Name] = map[string]bool{}
		}
		variants[t.Name][print[t.document][t.Name]] = true
	}
	rename := func(document, name string) string {
		if len(variants[name]) > 1 {
			return prefix(document) + "." + name
		}
		return name
	}
	var all []*bindings.Definition
	taken := map[string]string{}
	for _, t := range api.order {
		name := rename(t.document, t.Name)
		mine := print[t.document][t.Name]
		for i := range t.Fields {
			renameTypes(&t.Fields[i].Type, t.document, rename)
		}
		renameTypes(t.Is, t.document, rename)
		if there, found := taken[name]; found {
			if there != mine {
				return nil, fmt.Errorf("%s: type %q has the name of another", t.document, name)
			}
			continue
		}
		taken[name] = mine
		t.Name = name
		all = append(all, t.Definition)
	}
	for _, o := range operations {
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
	return all, nil
}

func renameTypes(t *bindings.Type, document string, rename func(document, name string) string) {
	if t == nil {
		return
	}
	if t.Kind == bindings.Named {
		t.Name = rename(document, t.Name)
	}
	for i := range t.Of {
		renameTypes(&t.Of[i], document, rename)
	}
	renameTypes(t.Items, document, rename)
}

// fingerprints gives for each type a text that two types share only if they
// are the same all the way down. It starts from what stands in the definition
// and puts into it, round after round, the texts of what it refers to, as
// numbers, until no more types part.
func (api *openAPI) fingerprints() map[string]map[string]string {
	print := map[string]map[string]string{}
	for document := range api.types {
		print[document] = map[string]string{}
	}
	for classes := 0; ; {
		numbers := map[string]int{}
		next := map[*typeOf]string{}
		for _, t := range api.order {
			next[t] = api.render(t, print[t.document])
			numbers[next[t]] = 0
		}
		texts := make([]string, 0, len(numbers))
		for text := range numbers {
			texts = append(texts, text)
		}
		sort.Strings(texts)
		for i, text := range texts {
			numbers[text] = i
		}
		for _, t := range api.order {
			print[t.document][t.Name] = fmt.Sprint(numbers[next[t]])
		}
		if len(texts) == classes {
			return print
		}
		classes = len(texts)
	}
}

// render prints a definition with the present prints of the types it names.
func (api *openAPI) render(t *typeOf, print map[string]string) string {
	copied := bindings.Definition{Open: t.Open}
	name := func(_, name string) string { return name + "." + print[name] }
	for _, f := range t.Fields {
		f.Type = clone(f.Type)
		renameTypes(&f.Type, "", name)
		copied.Fields = append(copied.Fields, f)
	}
	if t.Is != nil {
		is := clone(*t.Is)
		renameTypes(&is, "", name)
		copied.Is = &is
	}
	text, err := json.Marshal(copied)
	if err != nil {
		panic(err) // a type prints as text
	}
	return t.Name + " " + string(text)
}

func clone(t bindings.Type) bindings.Type {
	if t.Items != nil {
		items := clone(*t.Items)
		t.Items = &items
	}
	of := t.Of
	t.Of = nil
	for _, one := range of {
		t.Of = append(t.Of, clone(one))
	}
	return t
}
