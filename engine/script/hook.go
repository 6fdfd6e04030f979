package script

import (
	"encoding/json"
	"errors"
	"fmt"
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
	// unchecked is set for a stored version: the triggers and connections that it
	// names may not exist any more, and are not checked.
	unchecked bool
}

// draft is a hook that is read from its registration.
type draft struct {
	validation
	registration vm.Registration
	hook         *journal.Hook
	limits       vm.Limits
	detail       detail
	verify       *Verify
	id           string
	laneSet      bool
}

// build makes the hook of a registration. It returns all errors, joined.
func (d *draft) build(script, version string) error {
	r := d.registration
	d.hook = &journal.Hook{
		Script: script, Version: version, Triggers: slices.Clone(r.Triggers),
		Overlap: journal.OverlapQueue, Retry: defaultRetry, OnUncertain: UncertainManual,
	}
	d.detail.position = r.Position
	if r.Every != "" {
		d.hook.Triggers, d.hook.Missed = []string{tick}, MissedNone
		d.hook.Name = tick + " " + strings.Join(strings.Fields(r.Every), " ")
	} else {
		d.hook.Name = strings.Join(r.Triggers, ", ")
	}
	options, err := readTable(orEmpty(r.Options))
	if err != nil {
		return fmt.Errorf("options: %w", err)
	}
	var errs []error
	zone := d.zone
	if r.Every == "" {
		errs = append(errs, d.checkTriggers())
	} else if raw, found := options["tz"]; found {
		zone, err = readZone(raw)
		errs = append(errs, optionErrors("tz", err))
	}
	if r.Every != "" && zone != nil {
		d.detail.timetable, err = ParseTimetable(r.Every, zone)
		errs = append(errs, err)
	}
	for _, name := range sortedKeys(options) {
		errs = append(errs, optionErrors(name, d.option(name, options[name])))
	}
	d.defaultLane()
	errs = append(errs, d.finish())
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

func (d *draft) checkTriggers() error {
	if len(d.hook.Triggers) == 0 {
		return errors.New("on() names no trigger")
	}
	if d.unchecked {
		return nil
	}
	var errs []error
	for _, name := range d.hook.Triggers {
		errs = append(errs, d.triggers.check(name))
	}
	return errors.Join(errs...)
}

// addresses returns the paths of the hook's triggers "in:/path".
func (d *draft) addresses() []string {
	var paths []string
	for _, trigger := range d.hook.Triggers {
		if path := inboundPath(trigger); path != "" {
			paths = append(paths, path)
		}
	}
	return paths
}

// finish checks the rules that concern several options.
func (d *draft) finish() error {
	paths := d.addresses()
	if len(paths) > 0 {
		if d.verify == nil {
			return fmt.Errorf("trigger %q does not say how a post is verified; %s", "in:"+paths[0], verifyHint)
		}
		for _, path := range paths {
			d.detail.inbound = append(d.detail.inbound, &Inbound{Path: path, Verify: *d.verify, ID: d.id})
		}
	}
	return errors.Join(d.dropLaneIfParallel(), d.refuseWhereFunction(), d.requireLane(), d.requireRecord())
}

// defaultLane sets the lane of a hook without the option lane.
func (d *draft) defaultLane() {
	if d.laneSet {
		return
	}
	d.hook.Lane = journal.Lane{Kind: journal.LaneNone}
	for _, trigger := range d.hook.Triggers {
		switch {
		case trigger == tick:
			d.hook.Lane = journal.Lane{Kind: journal.LaneHook}
		case trigger == runFailed:
			d.hook.Lane = journal.Lane{Kind: journal.LanePaths, Paths: []string{"key"}}
		case d.triggers.hasRecord(trigger), strings.HasPrefix(trigger, emitPrefix): // emit can be given a lane
			d.hook.Lane = journal.Lane{Kind: journal.LaneRecord}
			return
		}
	}
}
