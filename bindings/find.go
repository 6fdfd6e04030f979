package bindings

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// Find is a way to find out whether a call was done whose result is not known:
// a read in whose answer the record is, if the call was done. An operation can
// have several; the first counts that applies to the call.
//
// In the texts of Args, Match and Answer a word in braces is replaced as in a
// Call:
//
//	{args.PATH}          of the arguments of the call, as the script has them
//	{key}                the key of ours that the call was sent with
//	{since}              a time of the vendor's clock before the first sending, RFC 3339
//	{since.s} {since.ms} the same in Unix seconds and milliseconds
//	{account} {parent}   of the connection
//	{found} {found.PATH} the record that was found; in Answer only
type Find struct {
	// With and Without are arguments: it applies only to calls that have all of
	// With and none of Without.
	With    []string `json:"with,omitempty"`
	Without []string `json:"without,omitempty"`
	// Key is set if the record is found by the key of ours, so that it applies only
	// to calls that were sent with one: one match is then the record of the call.
	// If it is not set, a match proves nothing, as somebody else may have made an
	// equal record; only that there is no match proves that the call was not done.
	Key bool `json:"key,omitempty"`

	// Operation is the name of a safe operation of the same catalogue, without the
	// edition, and Args are its arguments. All pages are read of an operation with
	// Pages. Otherwise the list is at the path Items in its answer. Without either
	// its answer is the record, and an error of kind not_found means that there is
	// none.
	Operation string         `json:"operation"`
	Args      map[string]any `json:"args,omitempty"`
	Items     string         `json:"items,omitempty"`
	// Match maps paths in a record of the list to the values that a match has.
	// Times, and texts and numbers of the same value, are equal. A value whose word
	// has no value, as the call has no such argument, is not compared. Only fields
	// belong here that the vendor stores as they were sent: a match that is missed
	// makes the call be sent twice.
	Match map[string]string `json:"match,omitempty"`
	// Created is the path in a record of the time at which it was created. A record
	// that is older than the call is no match. Empty: a record has no such time.
	Created string `json:"created,omitempty"`

	// Others are the names of further operations that make the records of the list. A
	// record with the key of ours of a call of theirs, or of another call of the
	// operation itself, is no match.
	Others []string `json:"others,omitempty"`

	// Answer is what the call is taken to have answered. Nil: the record.
	Answer any `json:"answer,omitempty"`

	// Lag is how long a new record may be missing in what Operation reads. Work is
	// how long the vendor may be at work on a call after it was sent; zero means a
	// minute.
	Lag  Duration `json:"lag,omitempty"`
	Work Duration `json:"work,omitempty"`
}

// OwnKey is how a call is sent with a key of ours that no other call has, so that
// its record can be found by it. The key is the same for each sending of a call.
type OwnKey struct {
	// Args are arguments that are added to the call, with the word {key} in one of
	// their texts. They are added only to calls that have none of them.
	Args map[string]any `json:"args"`
	// Format is the form of the key; empty: Hex32.
	Format KeyFormat `json:"format,omitempty"`
	// Auths are the ways to authorise (Auth.Name) of the connections that may send
	// it; empty: all.
	Auths []string `json:"auths,omitempty"`
}

// KeyFormat is the form of a key of ours.
type KeyFormat string

// The forms of a key.
const (
	Hex32   KeyFormat = "hex"  // 32 digits, lower case
	KeyUUID KeyFormat = "uuid" // of version 8
)

// Applies reports whether it applies to a call. given reports whether the call has
// an argument and its value is neither null nor false; keyed whether the call was
// sent with a key of ours.
func (f *Find) Applies(given func(argument string) bool, keyed bool) bool {
	if f.Key && !keyed || slices.ContainsFunc(f.Without, given) {
		return false
	}
	return !slices.ContainsFunc(f.With, func(name string) bool { return !given(name) })
}

// Reads returns the operation that a Find of o calls.
func (f *Find) Reads(o *Operation) (*Operation, bool) {
	return o.sibling(f.Operation)
}

// Makers returns the operations with a key of ours that make the records which a Find
// of o reads: o itself and Others.
func (f *Find) Makers(o *Operation) (makers []*Operation) {
	if o.OwnKey != nil {
		makers = append(makers, o)
	}
	for _, name := range f.Others {
		if other, found := o.sibling(name); found && other.OwnKey != nil {
			makers = append(makers, other)
		}
	}
	return makers
}

// sibling returns an operation of the same catalogue by its name without the edition.
func (o *Operation) sibling(name string) (*Operation, bool) {
	if o.catalogue == nil {
		return nil, false
	}
	return o.catalogue.Operation(o.catalogue.Qualify(name))
}

// In returns the key of ours in a record as encoding/json decodes it; empty if there
// is none.
func (k *OwnKey) In(record any) string {
	key, same := k.inside(k.Args, record)
	if !same {
		return ""
	}
	return key
}

// inside compares a value with what was sent, and returns the key in it.
func (k *OwnKey) inside(sent, value any) (key string, same bool) {
	switch sent := sent.(type) {
	case string:
		before, after, keyed := strings.Cut(sent, "{key}")
		text, isText := value.(string)
		if !isText || !keyed {
			return "", isText && text == sent
		}
		rest, begins := strings.CutPrefix(text, before)
		key, ends := strings.CutSuffix(rest, after)
		return key, begins && ends && k.Format.matches(key)
	case map[string]any:
		fields, _ := value.(map[string]any)
		for name, inner := range sent {
			found, same := k.inside(inner, fields[name])
			if !same {
				return "", false
			}
			key = cmp.Or(found, key)
		}
		return key, true
	}
	return "", reflect.DeepEqual(sent, value)
}

// matches reports whether a text has the form of a key.
func (f KeyFormat) matches(text string) bool {
	form := hexKey
	if f == KeyUUID {
		form = uuidKey
	}
	return form.MatchString(text)
}

var (
	hexKey  = regexp.MustCompile(`^[0-9a-f]{32}$`)
	uuidKey = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$`)
)

// CheckFind returns what is wrong with how calls of an operation are found, nil if
// nothing is.
func (o *Operation) CheckFind() error {
	var problems []error
	report := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if o.ReadOnly() && (o.OwnKey != nil || len(o.Find) > 0) {
		report("it only reads, so there is nothing to find")
	}
	if k := o.OwnKey; k != nil {
		if words := Placeholders(k.Args); len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return w != "key" }) {
			report("own_key: args: found the words %q, expected {key} alone", words)
		}
		if !slices.Contains([]KeyFormat{"", Hex32, KeyUUID}, k.Format) {
			report("own_key: format: found %q, expected %q or %q", k.Format, Hex32, KeyUUID)
		}
	}
	for i := range o.Find {
		for _, problem := range o.Find[i].problems(o) {
			report("find.%d: %s", i, problem)
		}
	}
	return errors.Join(problems...)
}

// problems returns what is wrong with one of the ways of o.
func (f *Find) problems(o *Operation) (problems []string) {
	report := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	reads, found := f.Reads(o)
	switch {
	case !found:
		report("there is no operation %q", f.Operation)
	case !reads.ReadOnly():
		report("%s may change something; expected one that only reads", f.Operation)
	case reads.Pages == nil && f.Items == "":
		if len(f.Match) > 0 || f.Created != "" {
			report("the answer of %s is one record, with which nothing is compared; a list needs items", f.Operation)
		}
	case len(f.Match) == 0 && f.Created == "":
		report("every record of %s would be a match; expected match, created or both", f.Operation)
	}
	problems = append(problems, f.problemsOfOthers(o)...)
	words := Placeholders(f.Args)
	for _, path := range slices.Sorted(maps.Keys(f.Match)) {
		words = append(words, Placeholders(f.Match[path])...)
	}
	switch keyed := slices.Contains(words, "key"); {
	case f.Key && !keyed:
		report("it is found by the key, and {key} is neither in args nor in match")
	case f.Key && o.OwnKey == nil && !o.Key:
		report("it is found by the key, and the operation is sent with none; expected own_key or key")
	case !f.Key && keyed:
		report("{key} has a value only if key is set")
	}
	for _, word := range words {
		if !f.isWord(word, false) {
			report("{%s} has no value here", word)
		}
	}
	for _, word := range Placeholders(f.Answer) {
		if !f.isWord(word, true) {
			report("answer: {%s} has no value here", word)
		}
	}
	return problems
}

func (f *Find) problemsOfOthers(o *Operation) (problems []string) {
	for _, name := range f.Others {
		if other, found := o.sibling(name); !found || other.OwnKey == nil {
			problems = append(problems, fmt.Sprintf("others: there is no operation %q that is sent with a key of ours", name))
		}
	}
	return problems
}

// isWord reports whether a word has a value, in an answer or elsewhere.
func (f *Find) isWord(word string, answer bool) bool {
	if slices.Contains([]string{"key", "since", "since.s", "since.ms", "account", "parent"}, word) {
		return true
	}
	return strings.HasPrefix(word, "args.") || answer && (word == "found" || strings.HasPrefix(word, "found."))
}
