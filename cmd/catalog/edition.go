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

// An edition of an app is made like the app, from files of its own in a folder
// below the app's, and from what the app's own files say already: an endpoint
// that both have keeps the app's name for it, and the app's corrections hold
// unless the edition's file says "not" to a line of them.

// base is what an edition takes over from its app.
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

// endpointOf is the method and the path without the names of its parameters.
func endpointOf(o *bindings.Operation) string {
	return o.Method + " " + parameters.ReplaceAllString(o.Path, "{}")
}

// name gives the operations that the app has too their names there.
func (b *base) name(from *source.Source) {
	for _, o := range from.Operations {
		if name := b.endpoints[endpointOf(&o.Operation)]; name != "" {
			o.Name = name
			b.shared[name] = true
		}
	}
}

// foreign reports whether a correction is about what an edition has not: a
// trigger, an endpoint that the app alone has, or what another one is called.
func (b *base) foreign(c correction) bool {
	switch c.kind {
	case "operation", "query", "path", "header":
		return !b.shared[c.name]
	}
	return c.kind == "trigger" || strings.HasPrefix(c.name, source.EventTypes)
}

// correct applies the app's corrections, without those that the edition's own
// file takes back.
func (b *base) correct(from *source.Source, own *corrections) error {
	for _, not := range own.without {
		i := slices.IndexFunc(b.corrections.list, func(c correction) bool { return c.String() == not.text })
		if i < 0 {
			return fmt.Errorf("%s:%d: the app's own corrections have no %q", own.path, not.line, not.text)
		}
		b.corrections.list = slices.Delete(b.corrections.list, i, i+1)
	}
	b.corrections.list = slices.DeleteFunc(b.corrections.list, b.foreign)
	if err := b.corrections.apply(from); err != nil {
		return fmt.Errorf("%w\nwhat this edition does not have so is taken back in %s, by %q before the line", err, own.path, "not")
	}
	return nil
}
