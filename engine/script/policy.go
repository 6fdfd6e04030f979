package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// The values of on_uncertain: what happens after a call that may have been done.
const (
	UncertainManual = "hold"  // a person decides
	UncertainRetry  = "retry" // it is sent again
	UncertainRaise  = "raise" // the script gets an error
)

// The values of missed: which ticks run that came due while no engine ran.
const (
	MissedNone = "none"
	MissedLast = "last"
	MissedAll  = "all"
)

// defaultRetry is the retry policy of a hook without the option retry, and has
// the fields that such an option leaves out.
var defaultRetry = journal.Retry{Attempts: 5, First: 10 * time.Second, Max: 10 * time.Minute}

// maxAttempts bounds the option retry.attempts.
const maxAttempts = 1000

// readWord reads one of several words.
func readWord(raw json.RawMessage, words ...string) (string, error) {
	word, err := readText(raw)
	if err != nil {
		return "", fmt.Errorf("%w; there are %s", err, strings.Join(words, ", "))
	}
	if !contains(words, word) {
		return "", fmt.Errorf("unknown word %q%s", word, suggestion(word, words, "expected one of"))
	}
	return word, nil
}

func (b *hookBuilder) readChanged(raw json.RawMessage) (err error) {
	b.hook.Changed, err = readFieldPath(raw, "client.status")
	return err
}

// readRecord reads the path of the record that a request is about.
func (b *hookBuilder) readRecord(raw json.RawMessage) (err error) {
	b.hook.Record, err = readFieldPath(raw, "order.id")
	return err
}

// readFieldPath reads the path of one field in event.data.
func readFieldPath(raw json.RawMessage, example string) (string, error) {
	path, err := readText(raw)
	if err != nil {
		return "", fmt.Errorf("expected the path of one field in event.data, such as %q, found %s", example, describe(raw))
	}
	if slices.Contains(strings.Split(path, "."), "") {
		return "", fmt.Errorf("expected the path of one field in event.data, such as %q, found %q", example, path)
	}
	return path, nil
}

func (b *hookBuilder) readOverlap(raw json.RawMessage) error {
	word, err := readWord(raw, string(journal.OverlapQueue), string(journal.OverlapSkip), string(journal.OverlapReplace), string(journal.OverlapParallel))
	if err == nil {
		b.hook.Overlap = journal.Overlap(word)
		b.hook.FreeUndecided = b.hook.FreeUndecided && word != string(journal.OverlapQueue)
	}
	return err
}

func (b *hookBuilder) readDebounce(raw json.RawMessage) (err error) {
	b.hook.Debounce, err = readDuration(raw)
	return err
}

// readRetry reads { attempts = 5, first = "10s", max = "10m" }. A first above
// the default max raises max, and a max below the default first lowers first.
func (b *hookBuilder) readRetry(raw json.RawMessage) error {
	table, err := readTable(raw)
	if err != nil {
		return fmt.Errorf(`expected a table such as { attempts = 5, first = "10s", max = "10m" }, found %s; attempts = 1 means never again`, describe(raw))
	}
	retry := defaultRetry
	readers := map[string]func(json.RawMessage) error{
		"attempts": func(raw json.RawMessage) error {
			n, err := readCount(raw)
			if err != nil {
				return fmt.Errorf("%w; 1 means never again", err)
			}
			if n > maxAttempts {
				return fmt.Errorf("expected at most %d, found %d", maxAttempts, n)
			}
			retry.Attempts = int(n)
			return nil
		},
		"first": func(raw json.RawMessage) (err error) { retry.First, err = readDuration(raw); return },
		"max":   func(raw json.RawMessage) (err error) { retry.Max, err = readDuration(raw); return },
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(table)) {
		read, known := readers[name]
		if !known {
			errs = append(errs, fmt.Errorf("unknown word %q%s", name, suggestion(name, slices.Sorted(maps.Keys(readers)), "there are")))
			continue
		}
		errs = append(errs, optionErrors(name, read(table[name])))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if retry.First > retry.Max {
		switch {
		case has(table, "first") && has(table, "max"):
			return fmt.Errorf("first is %s and max is %s; the first wait cannot be longer than the longest", retry.First, retry.Max)
		case has(table, "first"):
			retry.Max = retry.First
		default:
			retry.First = retry.Max
		}
	}
	b.hook.Retry = retry
	return nil
}

func (b *hookBuilder) readUncertain(raw json.RawMessage) (err error) {
	b.hook.OnUncertain, err = readWord(raw, UncertainManual, UncertainRetry, UncertainRaise)
	return err
}

func (b *hookBuilder) readMissed(raw json.RawMessage) (err error) {
	b.hook.Missed, err = readWord(raw, MissedNone, MissedLast, MissedAll)
	return err
}

// dropLaneIfParallel removes the lane of a hook with overlap = "parallel".
func (b *hookBuilder) dropLaneIfParallel() error {
	if b.hook.Overlap != journal.OverlapParallel {
		return nil
	}
	if b.laneSet && b.hook.Lane.Kind != journal.LaneNone {
		return errors.New(`overlap = "parallel" and a lane contradict each other; leave one of them out`)
	}
	b.hook.Lane = journal.Lane{Kind: journal.LaneNone}
	return nil
}

// refuseWhereFunction returns an error for a where that is a function on a hook
// with an option that is applied when an event is accepted, before Lua runs.
func (b *hookBuilder) refuseWhereFunction() error {
	if !contains(b.registration.Functions, "where") {
		return nil
	}
	var errs []error
	for _, option := range b.acceptOptions() {
		errs = append(errs, fmt.Errorf("where is a function, and %s is decided when the event comes, before the script runs; "+
			`write where as data, such as { status = "paid" }, or leave %s out`, option, option))
	}
	return errors.Join(errs...)
}

// acceptOptions returns the options that are applied when an event is accepted:
// they decide whether and when it makes a run.
func (b *hookBuilder) acceptOptions() []string {
	var options []string
	switch b.hook.Overlap {
	case journal.OverlapSkip, journal.OverlapReplace:
		options = append(options, fmt.Sprintf("overlap = %q", b.hook.Overlap))
	}
	if b.hook.Debounce > 0 {
		options = append(options, "debounce")
	}
	if b.hook.Changed != "" {
		options = append(options, "changed")
	}
	return options
}

// requireLane returns an error for an option that works within a lane on a hook
// that has no lane for some of its events.
func (b *hookBuilder) requireLane() error {
	switch b.hook.Lane.Kind {
	case journal.LanePaths, journal.LaneHook, "": // empty: the option lane has an error
		return nil
	}
	var errs []error
	for _, option := range b.acceptOptions() {
		switch {
		case option == "changed":
		case b.hook.Overlap == journal.OverlapParallel:
			errs = append(errs, fmt.Errorf(`%s works within a lane, and overlap = "parallel" has none; leave overlap out`, option))
		case b.hook.Lane.Kind == journal.LaneNone:
			errs = append(errs, fmt.Errorf(`%s works within a lane, and this hook has none; name one, such as lane = "client.id"`, option))
		default:
			if trigger, without := b.triggerWithoutRecord(); without {
				errs = append(errs, fmt.Errorf(`%s works within a lane, and %q has none by default; name one, such as lane = "client.id"`, option, trigger))
			}
		}
	}
	return errors.Join(errs...)
}

// requireRecord returns an error for the option changed on events that are about
// no record.
func (b *hookBuilder) requireRecord() error {
	if b.hook.Changed == "" {
		return nil
	}
	if trigger, without := b.triggerWithoutRecord(); without {
		if inboundPath(trigger) != "" {
			return fmt.Errorf("changed stores the value of each record, and %q names none; name the place of its id, such as record = %q", trigger, "order.id")
		}
		return fmt.Errorf("changed stores the value of each record, and %q is about no record in the catalogue; leave it out, and compare in the script", trigger)
	}
	return nil
}

// triggerWithoutRecord finds a trigger of the hook whose events may be about no
// record.
func (b *hookBuilder) triggerWithoutRecord() (string, bool) {
	if b.unchecked {
		return "", false
	}
	for _, trigger := range b.hook.Triggers {
		if b.hook.Record != "" && inboundPath(trigger) != "" {
			continue
		}
		matched := b.triggers.match(trigger)
		if len(matched) == 0 && b.triggers.check(trigger) != nil {
			continue // checkTriggers reports it
		}
		if len(matched) == 0 {
			return trigger, true
		}
		for _, name := range matched {
			if known := b.triggers.byName[name]; known == nil || known.Record == "" {
				return name, true
			}
		}
	}
	return "", false
}
