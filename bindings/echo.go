package bindings

import "strings"

// Echo says which records calls of ours change, so that the event which such a
// change brings back is known as our own.
type Echo struct {
	Writes []Write
	// Free are fields of event.data that change by themselves, with every
	// change or without one: times of change, counters. They tell nothing.
	Free []string
	// Version is the field of a record that holds the time of its last change,
	// in answers and where they have it in events: an event of a later time is
	// news, whatever else it tells.
	Version string
	// Follows maps fields that the vendor makes of others to those: a full name
	// to its parts. Any other field that a call did not send and that is not as
	// it was is somebody else's change.
	Follows map[string][]string
}

// Write is what some operations do to a record.
type Write struct {
	// Operations are names, "contacts.update", or patterns, "contacts.*".
	Operations []string
	// Noun is the middle part of the triggers that tell of it: "contact".
	Noun string
	// Record is the path in the answer of the record's id, or behind
	// "argument:" the argument that holds it.
	Record string
	// State is the path in the answer of the record as it then is, Whole for
	// the answer itself; empty: only the arguments are known of it.
	State string
	// Within is the field of event.data that holds the record; empty:
	// event.data is the record.
	Within string
	// Names maps fields of event.data, or one within one ("parent.gid"), to what
	// they are called in the arguments and in the state, where that is something
	// else.
	Names map[string]string
	// Changed is the path in event.data of the name of a field, where an event
	// tells which one changed and not to what: it is ours if that is one of the
	// arguments. Empty: values are compared.
	Changed string
	// Gone says that the record is deleted.
	Gone bool
	// Verbs are the last parts of the triggers that can tell of it, where an
	// event holds too little of the record to tell one change from another, or a
	// new record from others before its id is known; empty: all.
	Verbs []string
}

// WriteOf finds what an operation does to a record; nil where nothing is said.
// The first entry that fits counts.
func (e *Echo) WriteOf(operation string) *Write {
	if e == nil {
		return nil
	}
	for i := range e.Writes {
		for _, pattern := range e.Writes[i].Operations {
			group, all := strings.CutSuffix(pattern, ".*")
			if pattern == operation || all && strings.HasPrefix(operation, group+".") {
				return &e.Writes[i]
			}
		}
	}
	return nil
}

// Within is the field of event.data that holds the records of a noun; found is
// false where nothing is written to them.
func (e *Echo) Within(noun string) (field string, found bool) {
	if e == nil {
		return "", false
	}
	for i := range e.Writes {
		if e.Writes[i].Noun == noun && (!found || field == "") {
			field, found = e.Writes[i].Within, true
		}
	}
	return field, found
}

// Whole stands in Write.State for the answer itself.
const Whole = "."

// ArgumentPrefix stands before an argument's name in Write.Record.
const ArgumentPrefix = "argument:"
