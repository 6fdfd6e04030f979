package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// The catalogue of an edition is generated like an app's, from files in a folder
// below the app's, and in addition from files of the app: an endpoint that both
// have has the app's name, and the app's corrections are applied, except those
// lines that the edition's file has with "not" before them.

// base has what an edition uses of its app.
type base struct {
	endpoints   map[string]string // the names of operations, by endpoint
	shared      map[string]bool   // names of operations that the edition has too
	corrections *corrections
}

// readBase reads the files of the app that an edition belongs to.
func readBase(folder string) (*base, error) {
	text, err := os.ReadFile(filepath.Join(folder, "catalogue.txt"))
	if err != nil {
		return nil, fmt.Errorf("the app's own catalogue comes first: %w", err)
	}
	c, err := bindings.ParseCatalogue(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	b := &base{endpoints: map[string]string{}, shared: map[string]bool{}}
	for _, name := range c.Operations() {
		o, _ := c.Operation(name)
		b.endpoints[endpointOf(o)] = name
	}
	b.corrections, err = readCorrections(filepath.Join(folder, "corrections.txt"))
	return b, err
}

var parameters = regexp.MustCompile(`\{[^{}]*\}`)

// endpointOf returns the method and the path without the names of its
// parameters.
func endpointOf(o *bindings.Operation) string {
	return o.Method + " " + parameters.ReplaceAllString(o.Path, "{}")
}

// setNames sets the names of operations that the app has too.
func (b *base) setNames(from *source.Source) {
	for _, o := range from.Operations {
		if name := b.endpoints[endpointOf(&o.Operation)]; name != "" {
			o.Name = name
			b.shared[name] = true
		}
	}
}

// appOnly reports whether a correction is about something that the edition does
// not have: a trigger, a type of events, or an operation that is not shared.
func (b *base) appOnly(c correction) bool {
	switch c.kind {
	case "operation", "query", "path", "header":
		return !b.shared[c.name]
	}
	return c.kind == "trigger" || c.kind == "added" || strings.HasPrefix(c.name, source.EventTypes)
}

// correct applies the app's corrections, except those that the edition's file
// excludes.
func (b *base) correct(from *source.Source, own *corrections) error {
	for _, excluded := range own.without {
		i := slices.IndexFunc(b.corrections.list, func(c correction) bool { return c.String() == excluded.text })
		if i < 0 {
			return fmt.Errorf("%s:%d: the app's own corrections have no %q", own.path, excluded.line, excluded.text)
		}
		b.corrections.list = slices.Delete(b.corrections.list, i, i+1)
	}
	b.corrections.list = slices.DeleteFunc(b.corrections.list, b.appOnly)
	if err := b.corrections.apply(from); err != nil {
		return fmt.Errorf("%w\nexclude in %s what this edition does not have so, by %q before the line", err, own.path, "not")
	}
	return nil
}
