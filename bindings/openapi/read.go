package openapi

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// Problem is a part of a document that could not be converted, or, if Note is
// set, a remark about how it was converted.
type Problem struct {
	Operation string // "GET /orders/{id}"; empty: the document as a whole
	Line      int    // in the document; 0 if it is not known
	Text      string
	Note      bool
}

func (p Problem) String() string {
	text := p.Text
	if p.Operation != "" {
		text = p.Operation + ": " + text
	}
	if p.Line > 0 {
		text = fmt.Sprintf("line %d: %s", p.Line, text)
	}
	return text
}

// Document is the content of an OpenAPI document.
type Document struct {
	// Title, BaseURL, Docs and Auth are for the fields of bindings.App.
	Title   string
	BaseURL string
	Docs    string
	Auth    []bindings.Auth
	// Servers are all addresses in the document, with the defaults of variables.
	Servers []string
	// Catalogue is the text of the operations and types.
	Catalogue  []byte
	Operations int
	Problems   []Problem
}

// reader reads one document.
type reader struct {
	documents   *documents
	root        place
	swagger     bool // version 2
	types       *types
	credentials map[string]bool // the headers for credentials, lower case
	// header is Folder.Header.
	header   func(o *bindings.Operation, name string, schema *Node) (argument bool, err error)
	problems []Problem
}

// Read reads an OpenAPI document. open reads the files that it refers to, by
// their path from its folder; nil: there are none. An error means that nothing
// of the document can be used.
func Read(source []byte, open func(name string) ([]byte, error)) (*Document, error) {
	root, err := Parse(source)
	if err != nil {
		return nil, err
	}
	const main = "document"
	r := &reader{credentials: map[string]bool{}, root: place{root, main},
		documents: &documents{open: open, files: map[string]*Node{main: root}, main: main}}
	r.types = newTypes(r.documents)
	switch version := root.Str("openapi"); {
	case strings.HasPrefix(version, "3."):
	case root.Str("swagger") == "2.0":
		r.swagger = true
	case root.Kind != Object:
		return nil, errors.New("expected an OpenAPI document, found something that is no object")
	case version != "":
		return nil, fmt.Errorf("openapi: found version %s, expected 3.0 or 3.1", version)
	default:
		return nil, errors.New("expected an OpenAPI document: neither openapi nor swagger has its version")
	}
	d := &Document{Title: root.Get("info").Str("title"), Docs: root.Get("externalDocs").Str("url")}
	d.Auth, r.problems = r.authorization()
	d.Servers = r.servers()
	if len(d.Servers) > 0 {
		d.BaseURL = d.Servers[0]
	}
	all := r.operations()
	r.problems = append(r.problems, setNames(all)...)
	operations := make([]*bindings.Operation, len(all))
	for i, e := range all {
		operations[i] = e.operation
	}
	if d.Catalogue, err = bindings.PrintCatalogue(operations, r.types.order, nil); err != nil {
		return nil, err
	}
	d.Operations, d.Problems = len(operations), r.problems
	if len(operations) == 0 {
		return nil, errors.Join(errors.New("no operation of it can be used"), joinedProblems(r.problems))
	}
	return d, nil
}

func joinedProblems(problems []Problem) error {
	var all []error
	for _, p := range problems[:min(len(problems), 20)] {
		all = append(all, errors.New(p.String()))
	}
	return errors.Join(all...)
}

// operations converts all operations. One that cannot be converted is left out
// and added to the problems.
func (r *reader) operations() (all []*endpoint) {
	r.root.Get("paths").Each(func(path string, n *Node) {
		item, _, err := r.documents.follow(place{n, r.root.file})
		if err != nil {
			r.problems = append(r.problems, Problem{Operation: path, Line: n.Line, Text: err.Error()})
			return
		}
		for _, method := range methods {
			op := item.Get(method)
			if op == nil {
				continue
			}
			e := &endpoint{place: place{op, item.file}, method: method, path: path, shared: item.Items("parameters")}
			if err := r.operation(e); err != nil {
				r.problems = append(r.problems, Problem{Operation: e.where(), Line: op.Line, Text: err.Error()})
				continue
			}
			all = append(all, e)
		}
		if item.Get("trace") != nil {
			r.problems = append(r.problems, Problem{Operation: "TRACE " + path, Line: n.Line, Text: "the method is not sent"})
		}
	})
	return all
}

// servers returns the base addresses of the paths, with the defaults of
// variables and without a slash at the end. Relative ones are left out, because
// the address of the document is not known.
func (r *reader) servers() (all []string) {
	if r.swagger {
		host, base := r.root.Str("host"), r.root.Str("basePath")
		schemes := r.root.Texts("schemes")
		if host == "" {
			return nil
		}
		scheme := "https"
		if len(schemes) > 0 && !slices.Contains(schemes, "https") {
			scheme = schemes[0]
		}
		return []string{strings.TrimSuffix(scheme+"://"+host+base, "/")}
	}
	for _, server := range r.root.Items("servers") {
		address := server.Str("url")
		server.Get("variables").Each(func(name string, v *Node) {
			address = strings.ReplaceAll(address, "{"+name+"}", v.Str("default"))
		})
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
			r.problems = append(r.problems, Problem{Line: server.Line, Note: true,
				Text: fmt.Sprintf("server %q is no whole address; write base_url into the app file, or into the connection", address)})
			continue
		}
		all = append(all, strings.TrimSuffix(address, "/"))
	}
	return all
}
