package script

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/vm"
)

// hookKind is the kind of hook that may have an option.
type hookKind int

const (
	anyHook hookKind = iota
	inboundHook
	scheduleHook
)

// option is an option of hooks.
type option struct {
	hooks hookKind
	read  func(b *hookBuilder, raw json.RawMessage) error
}

// options are those of the contract with scripts (scripts/README.md, section 2).
var options = map[string]option{
	"name":         {read: (*hookBuilder).readName},
	"connection":   {read: (*hookBuilder).readConnection},
	"where":        {read: (*hookBuilder).readWhere},
	"lane":         {read: (*hookBuilder).readLane},
	"overlap":      {read: (*hookBuilder).readOverlap},
	"timeout":      {read: (*hookBuilder).readTimeout},
	"limits":       {read: (*hookBuilder).readLimits},
	"echo":         {read: (*hookBuilder).readEcho},
	"verify":       {hooks: inboundHook, read: (*hookBuilder).readVerify},
	"id":           {hooks: inboundHook, read: (*hookBuilder).readID},
	"record":       {hooks: inboundHook, read: (*hookBuilder).readRecord},
	"methods":      {hooks: inboundHook, read: (*hookBuilder).readMethods},
	"respond":      {read: (*hookBuilder).readRespond},
	"within":       {read: (*hookBuilder).readWithin},
	"raw":          {hooks: inboundHook, read: (*hookBuilder).readRaw},
	"tz":           {hooks: scheduleHook, read: func(*hookBuilder, json.RawMessage) error { return nil }}, // read before the schedule
	"changed":      {read: (*hookBuilder).readChanged},
	"debounce":     {read: (*hookBuilder).readDebounce},
	"retry":        {read: (*hookBuilder).readRetry},
	"on_uncertain": {read: (*hookBuilder).readUncertain},
	"missed":       {hooks: scheduleHook, read: (*hookBuilder).readMissed},
}

// option reads one option of the hook.
func (b *hookBuilder) option(name string, raw json.RawMessage) error {
	o, known := options[name]
	if !known {
		return fmt.Errorf("unknown option%s", suggestion(name, slices.Sorted(maps.Keys(options)), "options are"))
	}
	if o.hooks == inboundHook && len(b.addresses()) == 0 {
		return errors.New(`is only for a trigger "in:/path"`)
	}
	if o.hooks == scheduleHook && b.registration.Every == "" {
		return errors.New("is only for every()")
	}
	if slices.Contains(b.registration.Functions, name) && name != "where" {
		return errors.New("cannot be a function; it is data that is evaluated before the script runs")
	}
	return o.read(b, raw)
}

func (b *hookBuilder) readName(raw json.RawMessage) error {
	name, err := readText(raw)
	if err != nil {
		return err
	}
	if len(name) > 200 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return errors.New("expected one line of at most 200 bytes")
	}
	b.hook.Name = name
	return nil
}

// readConnection reads a whole name, or the part after the slash if all triggers
// are of one app.
func (b *hookBuilder) readConnection(raw json.RawMessage) error {
	name, err := readText(raw)
	if err != nil {
		return err
	}
	var apps []string
	for _, trigger := range b.hook.Triggers {
		if app := bindings.TriggerName(trigger).App(); app != "" && !contains(apps, app) {
			apps = append(apps, app)
		}
	}
	whole := name
	if app, _, slash := strings.Cut(name, "/"); !slash && len(apps) > 0 && !contains(apps, name) {
		if len(apps) > 1 {
			return fmt.Errorf("the triggers are of %s; write the whole name, such as %q", strings.Join(apps, " and "), apps[0]+"/"+name)
		}
		whole = apps[0] + "/" + name
	} else if len(apps) > 0 && !contains(apps, app) {
		return fmt.Errorf("%q is a connection of %s, and the triggers are of %s", name, app, strings.Join(apps, " and "))
	}
	if !b.unchecked && b.connection != nil && !b.connection(whole) {
		return fmt.Errorf("there is no connection %q yet; connect it with: tidewire connect %s", whole, whole)
	}
	b.hook.Connection = whole
	return nil
}

func (b *hookBuilder) readEcho(raw json.RawMessage) error {
	if json.Unmarshal(raw, &b.hook.Echo) != nil {
		return fmt.Errorf("expected true (events that our own calls caused make runs too) or false, found %s", describe(raw))
	}
	return nil
}

func (b *hookBuilder) readWhere(raw json.RawMessage) (err error) {
	if slices.Contains(b.registration.Functions, "where") {
		return nil // the vm calls it at the start of the run
	}
	b.hook.Where, err = ReadWhere(raw)
	return err
}

// ReadWhere reads a where that is data: paths in event.data, each with a scalar
// or a list of scalars that match. It returns nil for nothing and for an empty
// table.
func ReadWhere(raw json.RawMessage) (map[string][]string, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	table, err := readTable(raw)
	if err != nil {
		return nil, fmt.Errorf(`expected a table such as { status = "paid" } or a function, found %s`, describe(raw))
	}
	where := make(map[string][]string, len(table))
	for _, path := range slices.Sorted(maps.Keys(table)) {
		items := []json.RawMessage{table[path]}
		if strings.HasPrefix(string(table[path]), "[") {
			if err := json.Unmarshal(table[path], &items); err != nil {
				return nil, err
			}
			if len(items) == 0 {
				return nil, fmt.Errorf("%s: an empty list matches nothing", path)
			}
		}
		for _, item := range items {
			scalar, err := readScalar(item)
			if err != nil {
				return nil, fmt.Errorf("%s: expected a text, number, boolean or a list of them, found %s; a field of a table is written %q", path, describe(item), path+".field")
			}
			where[path] = append(where[path], scalar)
		}
	}
	if len(where) == 0 {
		return nil, nil
	}
	return where, nil
}

func (b *hookBuilder) readLane(raw json.RawMessage) error {
	b.laneSet = true
	if string(raw) == "false" {
		b.hook.Lane = journal.Lane{Kind: journal.LaneNone}
		return nil
	}
	path, err := readText(raw)
	paths := []string{path}
	if err != nil {
		if paths, err = readTexts(raw); err != nil {
			return fmt.Errorf("expected a path in event.data, a list of paths or false, found %s", describe(raw))
		}
	}
	b.hook.Lane = journal.Lane{Kind: journal.LanePaths, Paths: paths}
	return nil
}

func (b *hookBuilder) readTimeout(raw json.RawMessage) (err error) {
	b.hook.Timeout, err = readDuration(raw)
	return err
}

func (b *hookBuilder) readLimits(raw json.RawMessage) error {
	table, err := readTable(raw)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(table)) {
		errs = append(errs, b.readLimit(name, table[name]))
	}
	return errors.Join(errs...)
}

func (b *hookBuilder) readLimit(name string, raw json.RawMessage) error {
	limit, known := vm.FindLimit(name)
	if !known {
		return fmt.Errorf("unknown limit %q%s", name, suggestion(name, vm.LimitNames(), "limits are"))
	}
	value, err := readLimit(limit, raw)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if highest := limit.Get(b.bounds.Ceiling); highest > 0 && value > highest && !b.unchecked {
		return fmt.Errorf("%s: found %s, the ceiling is %s; limits.ceiling.%s in tidewire.yaml sets another", name, limit.Text(value), limit.Text(highest), name)
	}
	limit.Set(&b.limits, value)
	return nil
}

func (b *hookBuilder) readVerify(raw json.RawMessage) error {
	v, err := readVerify(raw, b.registration.Secrets)
	b.verify = &v
	return err
}

func readZone(raw json.RawMessage) (*time.Location, error) {
	name, err := readText(raw)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("unknown time zone %q; expected a name such as %q or %q", name, "Europe/Paris", "UTC")
	}
	return zone, nil
}
