// Package source holds what a vendor's documents say about its API, in the
// words of bindings. A reader of documents makes a Source; cmd/catalog names
// and corrects what is in it, and writes it as the catalogue of an app.
package source

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidewire/tidewire/bindings"
)

// Source is what a vendor's documents say.
type Source struct {
	Operations []*Operation
	// Types have their Name set; a name is letters, digits, "_" and ".".
	// Those that no operation and no trigger reaches are left out.
	Types []*bindings.Definition
	// Triggers without a Name are named by names.txt, by their Key.
	Triggers []*Trigger
}

// EventTypes begins the names of types that only events have.
const EventTypes = "event."

// Operation is an operation as the documents have it.
type Operation struct {
	bindings.Operation // without Name, unless the documents give ours
	// Group is the vendor's word for what it belongs to: a document, a tag.
	Group string
	// From is its place in the documents, for errors.
	From string
}

// Trigger is a kind of event as the documents have it.
type Trigger struct {
	bindings.Trigger
	// Key is its name in names.txt; empty means Vendor.
	Key  string
	From string
}

// Definition gives the type of a name, nil where there is none.
func (s *Source) Definition(name string) *bindings.Definition {
	for _, d := range s.Types {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Operation gives the operation of a name.
func (s *Source) Operation(name string) (*Operation, error) {
	for _, o := range s.Operations {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("there is no operation %q", name)
}

// Trigger gives the trigger of a name.
func (s *Source) Trigger(name string) (*Trigger, error) {
	for _, t := range s.Triggers {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no trigger %q", name)
}

// Catalogue writes the source as the text of a catalogue.
func (s *Source) Catalogue() ([]byte, error) {
	operations := make([]*bindings.Operation, len(s.Operations))
	for i, o := range s.Operations {
		operations[i] = &o.Operation
	}
	triggers := make([]*bindings.Trigger, len(s.Triggers))
	for i, t := range s.Triggers {
		triggers[i] = &t.Trigger
	}
	return bindings.PrintCatalogue(operations, s.Types, triggers)
}

// ReadJSON reads a file of a folder.
func ReadJSON(folder, name string, into any) error {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
