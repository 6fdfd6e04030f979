package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// validation is what hooks are checked with.
type validation struct {
	triggers   *triggers
	connection func(name string) bool
	zone       *time.Location
	bounds     Bounds
	// unchecked is set for a stored version: the triggers and connections that it
	// names may not exist any more, and are not checked. Its limits are cut to the
	// ceiling.
	unchecked bool
}

// hookBuilder makes a hook from its registration.
type hookBuilder struct {
	validation
	registration vm.Registration
	hook         *journal.Hook
	limits       vm.Limits
	detail       detail
	verify       *Verify
	inbound      Inbound // without Path and Verify
	laneSet      bool
}

// build makes the hook of a registration. It returns all errors, joined.
func (b *hookBuilder) build(script, version string) error {
	r := b.registration
	b.hook = &journal.Hook{
		Script: script, Version: version, Triggers: slices.Clone(r.Triggers),
		Overlap: journal.OverlapQueue, Retry: defaultRetry, OnUncertain: UncertainManual,
	}
	b.detail.position = r.Position
	if r.Every != "" {
		b.hook.Triggers, b.hook.Missed, b.hook.FreeUndecided = []string{tick}, MissedNone, true
		b.hook.Name = tick + " " + strings.Join(strings.Fields(r.Every), " ")
	} else {
		b.hook.Name = strings.Join(r.Triggers, ", ")
	}
	options, err := readTable(orEmpty(r.Options))
	if err != nil {
		return fmt.Errorf("options: %w", err)
	}
	var errs []error
	zone := b.zone
	if r.Every == "" {
		errs = append(errs, b.checkTriggers())
	} else if raw, found := options["tz"]; found {
		zone, err = readZone(raw)
		errs = append(errs, optionErrors("tz", err))
	}
	if r.Every != "" && zone != nil {
		b.detail.timetable, err = ParseTimetable(r.Every, zone)
		errs = append(errs, err)
	}
	for _, name := range slices.Sorted(maps.Keys(options)) {
		errs = append(errs, optionErrors(name, b.option(name, options[name])))
	}
	b.defaultLane()
	errs = append(errs, b.finish())
	return errors.Join(errs...)
}

// optionErrors puts the name of an option before each joined error.
func optionErrors(option string, err error) error {
	var errs []error
	for _, err := range splitErrors(err) {
		errs = append(errs, fmt.Errorf("%s: %w", option, err))
	}
	return errors.Join(errs...)
}

func orEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

func (b *hookBuilder) checkTriggers() error {
	if len(b.hook.Triggers) == 0 {
		return errors.New("on() names no trigger")
	}
	if b.unchecked {
		return nil
	}
	var errs []error
	for _, name := range b.hook.Triggers {
		errs = append(errs, b.triggers.check(name))
	}
	return errors.Join(errs...)
}

// addresses returns the paths of the hook's triggers "in:/path".
func (b *hookBuilder) addresses() []string {
	var paths []string
	for _, trigger := range b.hook.Triggers {
		if path := inboundPath(trigger); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// finish checks the rules that concern several options.
func (b *hookBuilder) finish() error {
	paths := b.addresses()
	if len(paths) > 0 {
		if b.verify == nil {
			return fmt.Errorf("trigger %q does not set how a post is verified; %s", "in:"+paths[0], verifyHint)
		}
		if b.inbound.ID != (EventID{}) && b.verify.signsNoBody() {
			return fmt.Errorf("id: the scheme %q signs no body, only an id, and that is the event's; leave id out", b.verify.Scheme)
		}
		for _, path := range paths {
			in := b.inbound
			in.Path, in.Verify = path, *b.verify
			if in.Methods == nil {
				in.Methods = []string{http.MethodPost}
			}
			b.detail.inbound = append(b.detail.inbound, &in)
		}
	}
	return errors.Join(b.finishRespond(), b.dropLaneIfParallel(), b.refuseWhereFunction(), b.requireLane(), b.requireRecord())
}

// defaultLane sets the lane of a hook without the option lane.
func (b *hookBuilder) defaultLane() {
	if b.laneSet {
		return
	}
	b.hook.Lane = journal.Lane{Kind: journal.LaneNone}
	if b.hook.Responds { // a sender does not wait for the runs of others
		return
	}
	for _, trigger := range b.hook.Triggers {
		switch {
		case trigger == tick:
			b.hook.Lane = journal.Lane{Kind: journal.LaneHook}
		case trigger == runFailed:
			b.hook.Lane = journal.Lane{Kind: journal.LanePaths, Paths: []string{"key"}}
		case b.hook.Record != "" && inboundPath(trigger) != "":
			b.hook.Lane = journal.Lane{Kind: journal.LanePaths, Paths: []string{b.hook.Record}}
		case b.triggers.hasRecord(trigger), strings.HasPrefix(trigger, emitPrefix): // emit can be given a lane
			b.hook.Lane = journal.Lane{Kind: journal.LaneRecord}
			return
		}
	}
}
