package openapi

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// Folder is how a vendor's folder of OpenAPI documents is read.
type Folder struct {
	// Header reports whether a header parameter is an argument of the operation;
	// nil: those that every call writes by itself are not.
	Header func(o *bindings.Operation, name string, schema *Node) (keep bool, err error)
	// Prefix is put before the name of a type that means different things in
	// several documents, with a dot; nil: the document's name.
	Prefix func(document string) string
}

// Read makes a Source of the OpenAPI documents (*.json) in a folder, which may
// refer to each other. The group of an operation is its document's name.
func (f Folder) Read(folder string) (*source.Source, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI document (*.json) in %s", folder)
	}
	d := &documents{files: map[string]*Node{}, flat: true}
	all := newTypes(d)
	all.apart = true
	made := &source.Source{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		if d.files[name], err = Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		tidy(d.files[name], false)
	}
	for _, file := range files {
		name := filepath.Base(file)
		r := &reader{documents: d, types: all, root: place{d.files[name], name}, credentials: map[string]bool{}, header: f.Header}
		if err := r.into(made, strings.TrimSuffix(name, ".json")); err != nil {
			return nil, err
		}
	}
	prefix := f.Prefix
	if prefix == nil {
		prefix = TypeName
	}
	made.Types, err = all.merge(made.Operations, prefix)
	return made, err
}

// into adds the operations of a document to a source. What cannot be mapped is
// an error: a catalogue is whole.
func (r *reader) into(made *source.Source, group string) error {
	for _, e := range r.operations() {
		if err := r.whole(e); err != nil {
			return fmt.Errorf("%s: %s: %w", group, e.where(), err)
		}
		made.Operations = append(made.Operations, &source.Operation{Operation: *e.made, Group: group, From: group + ": " + e.where()})
	}
	for _, p := range r.problems {
		return fmt.Errorf("%s: %s", group, p)
	}
	return nil
}

// whole refuses what would be lost without a word.
func (r *reader) whole(e *endpoint) error {
	parameters, err := r.parameters(e)
	if err != nil {
		return err
	}
	for _, p := range parameters {
		if p.in == "path" && !strings.Contains(e.path, "{"+p.name+"}") {
			return fmt.Errorf("path parameter %q is not in the path", p.name)
		}
	}
	if body := e.made.Body; body != nil && body.Encoding == bindings.Binary {
		return fmt.Errorf("body: unknown media type %q", e.Get("requestBody").Get("content").Keys)
	}
	return nil
}

// tidy writes as it is meant what generators of documents get wrong: a list of
// literals within the list of an enum, and an object whose properties are none.
// The members of properties are names of fields, whatever word they are.
func tidy(n *Node, fields bool) {
	for i := 0; i < len(n.Keys) && !fields; i++ {
		v := n.All[i]
		switch {
		case n.Keys[i] == "enum" && v.Kind == List:
			v.All = flat(v.All)
		case n.Keys[i] == "properties" && v.Kind == Object && v.Len() == 0:
			n.Keys, n.All = slices.Delete(n.Keys, i, i+1), slices.Delete(n.All, i, i+1)
			i--
		}
	}
	for i, inner := range n.All {
		tidy(inner, !fields && n.Kind == Object && n.Keys[i] == "properties")
	}
}

func flat(all []*Node) []*Node {
	var out []*Node
	for _, n := range all {
		if n.Kind == List {
			out = append(out, flat(n.All)...)
			continue
		}
		out = append(out, n)
	}
	return out
}
