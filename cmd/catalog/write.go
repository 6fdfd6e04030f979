package main

import "github.com/tidewire/tidewire/bindings"

// write prints a source as a catalogue.
func write(source *Source) ([]byte, error) {
	operations := make([]*bindings.Operation, len(source.Operations))
	for i, o := range source.Operations {
		operations[i] = &o.Operation
	}
	triggers := make([]*bindings.Trigger, len(source.Triggers))
	for i, t := range source.Triggers {
		triggers[i] = &t.Trigger
	}
	return bindings.PrintCatalogue(operations, source.Types, triggers)
}
