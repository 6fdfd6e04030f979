package main

import (
	"fmt"

	"github.com/tidewire/tidewire/bindings"
)

// Source is what a vendor's documents say, in our vocabulary. A reader fills
// it; names.txt names what is in it, corrections.txt mends it, and write
// prints it.
type Source struct {
	Operations []*Operation
	// Types have their Name set; a name is letters, digits, "_" and ".".
	// Those that no operation and no trigger reaches are left out.
	Types []*bindings.Definition
	// Triggers without a Name are named by names.txt, by their Vendor.
	Triggers []*Trigger
}

// Operation is an operation as the documents have it.
type Operation struct {
	bindings.Operation // without Name, unless the documents give ours
	// Group is the vendor's word for what it belongs to: a document, a tag.
	Group string
	// From says where it stands, for errors.
	From string
}

// Trigger is a kind of event as the documents have it.
type Trigger struct {
	bindings.Trigger
	// Key is what names.txt knows it by; empty means Vendor.
	Key  string
	From string
}

func (t *Trigger) key() string {
	if t.Key != "" {
		return t.Key
	}
	return t.Vendor
}

func (s *Source) operation(name string) (*Operation, error) {
	for _, o := range s.Operations {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("there is no operation %q", name)
}

func (s *Source) definition(name string) *bindings.Definition {
	for _, d := range s.Types {
		if d.Name == name {
			return d
		}
	}
	return nil
}

func (s *Source) trigger(name string) (*Trigger, error) {
	for _, t := range s.Triggers {
		if t.Name == name {
			return t, nil
		}
	}
	return nil, fmt.Errorf("there is no trigger %q", name)
}
