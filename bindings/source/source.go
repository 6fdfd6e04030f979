// Package source has the content of a vendor's documents about its API, as types
// of package bindings. A reader of documents returns a Source; cmd/catalog sets
// names in it, corrects it, and writes it as the catalogue of an app.
package source

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tidewire/tidewire/bindings"
)

// Source is the content of a vendor's documents.
type Source struct {
	Operations []*Operation
	// Types have their Name set: letters, digits, "_" and ".". The catalogue
	// has only those that an operation or a trigger uses.
	Types []*bindings.Definition
	// Triggers without a Name get one from names.txt, by their Key.
	Triggers []*Trigger
}

// EventTypes is the prefix of the names of types that only events have.
const EventTypes = "event."

// Operation is an operation of the documents.
type Operation struct {
	bindings.Operation // without a Name, unless the documents have our name
	// Group is the vendor's name of its group: a document, a tag.
	Group string
	// From is its place in the documents, for errors.
	From string
}

// Trigger is a kind of event of the documents.
type Trigger struct {
	bindings.Trigger
	// Key is its key in names.txt; empty means Vendor.
	Key  string
	From string
}

// Definition finds a type by its name; nil if there is none.
func (s *Source) Definition(name string) *bindings.Definition {
	for _, d := range s.Types {
		if d.Name == name {
			return d
		}
	}
	return nil
}

// Operation finds an operation by its name.
func (s *Source) Operation(name string) (*Operation, error) {
	for _, o := range s.Operations {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("there is no operation %q", name)
}

// Trigger finds a trigger by its name.
func (s *Source) Trigger(name string) (*Trigger, error) {
	for _, t := range s.Triggers {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no trigger %q", name)
}

// Catalogue returns the source as the text of a catalogue.
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

// ReadJSON decodes a JSON file of a folder.
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
