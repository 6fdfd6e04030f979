package bindings

import "strings"

// Echo has the records that our own calls change, so that an event that only
// repeats such a change is recognised as an echo.
type Echo struct {
	Writes []Write
	// Volatile are fields of event.data that change by themselves, with or
	// without another change: times of change, counters. They are not compared.
	Volatile []string `app:"free"`
	// Version is the field of a record with the time of its last change, in
	// answers and, where they have it, in events. An event with a later time is
	// no echo, whatever else is in it.
	Version string
	// Derived maps fields that the vendor computes to the fields that it
	// computes them from: a full name to its parts. Any other field that a call
	// did not send and whose value is new was changed by somebody else.
	Derived map[string][]string `app:"follows"`
}

// Write is what some operations do to a record.
type Write struct {
	// Operations are names, "contacts.update", or patterns, "contacts.*".
	Operations []string
	// Noun is the middle part of the names of the triggers that report the
	// write: "contact".
	Noun string
	// Record is the path in the answer of the record's id, or, after
	// "argument:", the argument with the id.
	Record string
	// State is the path in the answer of the record after the write; Whole if
	// the answer is the record; empty if the answer does not have it, and only
	// the arguments are known.
	State string
	// Within is the field of event.data that is the record; empty: event.data
	// is the record.
	Within string
	// Names maps fields of event.data, or one within one ("parent.gid"), to
	// their names in the arguments and in the state, where these differ.
	Names map[string]string
	// Changed is the path in event.data of the name of the field that changed,
	// for events without its new value: the event is an echo if one of the
	// arguments has that name. Empty: values are compared.
	Changed string
	// Deletes is set if the write deletes the record.
	Deletes bool `app:"gone"`
	// Verbs are the last parts of the names of the triggers that report the
	// write; empty: all triggers of the noun. It is needed where an event has
	// too little of the record to distinguish two changes, or a new record from
	// others before its id is known.
	Verbs []string
}

// WriteOf returns what an operation does to a record; nil if that is not
// described. The first entry that matches counts.
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

// Within returns the field of event.data that is the record of a noun. found is
// false if no operation writes such records.
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

// Whole is the value of Write.State for the answer itself.
const Whole = "."

// ArgumentPrefix is before the name of an argument in Write.Record.
const ArgumentPrefix = "argument:"
