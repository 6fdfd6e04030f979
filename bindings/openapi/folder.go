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

// Folder has the options for reading a vendor's folder of OpenAPI documents.
type Folder struct {
	// Header reports whether a header parameter is an argument of the operation;
	// nil: all are, except those that every call sets by itself.
	Header func(o *bindings.Operation, name string, schema *Node) (argument bool, err error)
	// Prefix returns the text that is put, with a dot, before the name of a type
	// that is different in several documents; nil: the document's name.
	Prefix func(document string) string
}

// Read reads the OpenAPI documents (*.json) of a folder. They may refer to each
// other. The group of an operation is its document's name.
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
	all.perFile = true
	from := &source.Source{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(file)
		if d.files[name], err = Parse(text); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		repair(d.files[name], false)
	}
	for _, file := range files {
		name := filepath.Base(file)
		r := &reader{documents: d, types: all, root: place{d.files[name], name}, credentials: map[string]bool{}, header: f.Header}
		if err := r.addTo(from, strings.TrimSuffix(name, ".json")); err != nil {
			return nil, err
		}
	}
	prefix := f.Prefix
	if prefix == nil {
		prefix = TypeName
	}
	from.Types, err = all.merge(from.Operations, prefix)
	return from, err
}

// addTo adds the operations of a document to a source. It is an error if one
// cannot be converted, because an embedded catalogue has to be complete.
func (r *reader) addTo(to *source.Source, group string) error {
	for _, e := range r.operations() {
		if err := r.checkComplete(e); err != nil {
			return fmt.Errorf("%s: %s: %w", group, e.where(), err)
		}
		to.Operations = append(to.Operations, &source.Operation{Operation: *e.operation, Group: group, From: group + ": " + e.where()})
	}
	for _, p := range r.problems {
		return fmt.Errorf("%s: %s", group, p)
	}
	return nil
}

// checkComplete returns an error for what would otherwise be left out silently.
func (r *reader) checkComplete(e *endpoint) error {
	parameters, err := r.parameters(e)
	if err != nil {
		return err
	}
	for _, p := range parameters {
		if p.in == "path" && !strings.Contains(e.path, "{"+p.name+"}") {
			return fmt.Errorf("path parameter %q is not in the path", p.name)
		}
	}
	if body := e.operation.Body; body != nil && body.Encoding == bindings.Binary {
		return fmt.Errorf("body: unknown media type %q", e.Get("requestBody").Get("content").Keys)
	}
	return nil
}

// repair repairs common errors of the generators of documents: a list within the
// list of an enum, and an empty object as properties. fields is set if n is the
// value of properties: its keys are then names of fields, even "enum".
func repair(n *Node, fields bool) {
	for i := 0; i < len(n.Keys) && !fields; i++ {
		v := n.All[i]
		switch {
		case n.Keys[i] == "enum" && v.Kind == List:
			v.All = flatten(v.All)
		case n.Keys[i] == "properties" && v.Kind == Object && v.Len() == 0:
			n.Keys, n.All = slices.Delete(n.Keys, i, i+1), slices.Delete(n.All, i, i+1)
			i--
		}
	}
	for i, inner := range n.All {
		repair(inner, !fields && n.Kind == Object && n.Keys[i] == "properties")
	}
}

func flatten(all []*Node) []*Node {
	var out []*Node
	for _, n := range all {
		if n.Kind == List {
			out = append(out, flatten(n.All)...)
			continue
		}
		out = append(out, n)
	}
	return out
}
