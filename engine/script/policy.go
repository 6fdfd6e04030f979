package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// What a hook says about its runs beside their lane: which events make one,
// what becomes of those that meet another, and how one goes on that fails.

// The words of on_uncertain and missed.
const (
	UncertainManual = "hold"
	UncertainRetry  = "retry"
	UncertainRaise  = "raise"

	MissedNone = "none"
	MissedLast = "last"
	MissedAll  = "all"
)

// defaultRetry is the retry of a hook that says none.
var defaultRetry = journal.Retry{Attempts: 5, First: 10 * time.Second, Max: 10 * time.Minute}

// maxAttempts bounds the attempts that a hook can ask for.
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

func (d *draft) readChanged(raw json.RawMessage) error {
	path, err := readText(raw)
	if err != nil {
		return fmt.Errorf("expected the path of one field in event.data, such as %q, found %s", "status", describe(raw))
	}
	if slices.Contains(strings.Split(path, "."), "") {
		return fmt.Errorf("expected the path of one field in event.data, such as %q, found %q", "client.status", path)
	}
	d.hook.Changed = path
	return nil
}

func (d *draft) readOverlap(raw json.RawMessage) error {
	word, err := readWord(raw, string(journal.OverlapQueue), string(journal.OverlapSkip), string(journal.OverlapReplace), string(journal.OverlapParallel))
	if err == nil {
		d.hook.Overlap = journal.Overlap(word)
	}
	return err
}

func (d *draft) readDebounce(raw json.RawMessage) (err error) {
	d.hook.Debounce, err = readDuration(raw)
	return err
}

// readRetry reads { attempts = 5, first = "10s", max = "10m" }. A first beyond
// the default max moves max, and a max below the default first moves first.
func (d *draft) readRetry(raw json.RawMessage) error {
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
	for _, name := range sortedKeys(table) {
		read, known := readers[name]
		if !known {
			errs = append(errs, fmt.Errorf("unknown word %q%s", name, suggestion(name, sortedKeys(readers), "there are")))
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
	d.hook.Retry = retry
	return nil
}

func (d *draft) readUncertain(raw json.RawMessage) (err error) {
	d.hook.OnUncertain, err = readWord(raw, UncertainManual, UncertainRetry, UncertainRaise)
	return err
}

func (d *draft) readMissed(raw json.RawMessage) (err error) {
	d.hook.Missed, err = readWord(raw, MissedNone, MissedLast, MissedAll)
	return err
}

// dropLaneIfParallel takes the lane from a hook whose runs go side by side.
func (d *draft) dropLaneIfParallel() error {
	if d.hook.Overlap != journal.OverlapParallel {
		return nil
	}
	if d.laneSet && d.hook.Lane.Kind != journal.LaneNone {
		return errors.New(`overlap = "parallel" and a lane contradict each other; leave one of them out`)
	}
	d.hook.Lane = journal.Lane{Kind: journal.LaneNone}
	return nil
}

// refuseWhereFunction refuses a function as where beside what is decided when an
// event is accepted, before any Lua runs.
func (d *draft) refuseWhereFunction() error {
	if !contains(d.registration.Functions, "where") {
		return nil
	}
	var errs []error
	for _, option := range d.acceptOptions() {
		errs = append(errs, fmt.Errorf("where is a function, and %s is decided when the event comes, before the script runs; "+
			`write where as data, such as { status = "paid" }, or leave %s out`, option, option))
	}
	return errors.Join(errs...)
}

// acceptOptions are the options that decide whether an event makes a run at once.
func (d *draft) acceptOptions() []string {
	var options []string
	switch d.hook.Overlap {
	case journal.OverlapSkip, journal.OverlapReplace:
		options = append(options, fmt.Sprintf("overlap = %q", d.hook.Overlap))
	}
	if d.hook.Debounce > 0 {
		options = append(options, "debounce")
	}
	if d.hook.Changed != "" {
		options = append(options, "changed")
	}
	return options
}

// requireLane refuses what works within a lane on a hook that has none for each
// of its events.
func (d *draft) requireLane() error {
	switch d.hook.Lane.Kind {
	case journal.LanePaths, journal.LaneHook, "": // empty: what was said is wrong
		return nil
	}
	var errs []error
	for _, option := range d.acceptOptions() {
		switch {
		case option == "changed":
		case d.hook.Overlap == journal.OverlapParallel:
			errs = append(errs, fmt.Errorf(`%s works within a lane, and overlap = "parallel" has none; leave overlap out`, option))
		case d.hook.Lane.Kind == journal.LaneNone:
			errs = append(errs, fmt.Errorf(`%s works within a lane, and this hook has none; name one, such as lane = "client.id"`, option))
		default:
			if trigger, without := d.triggerWithoutRecord(); without {
				errs = append(errs, fmt.Errorf(`%s works within a lane, and %q has none by default; name one, such as lane = "client.id"`, option, trigger))
			}
		}
	}
	return errors.Join(errs...)
}

// requireRecord refuses changed on events that are about no record.
func (d *draft) requireRecord() error {
	if d.hook.Changed == "" {
		return nil
	}
	if trigger, without := d.triggerWithoutRecord(); without {
		return fmt.Errorf("changed remembers the value of each record, and %q is about no record that the catalogue knows; leave it out, and compare in the script", trigger)
	}
	return nil
}

// triggerWithoutRecord finds a trigger of the hook whose events may be about no record.
func (d *draft) triggerWithoutRecord() (string, bool) {
	if d.unchecked {
		return "", false
	}
	for _, trigger := range d.hook.Triggers {
		matched := d.triggers.match(trigger)
		if len(matched) == 0 && d.triggers.check(trigger) != nil {
			continue // that it is unknown is said already
		}
		if len(matched) == 0 {
			return trigger, true
		}
		for _, name := range matched {
			if known := d.triggers.byName[name]; known == nil || known.Record == "" {
				return name, true
			}
		}
	}
	return "", false
}
