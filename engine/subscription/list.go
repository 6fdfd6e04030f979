package subscription

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// list reads the vendor's list of one kind of subscription, and assigns ours to
// their places. If that fails nothing is done about these places: a
// subscription could be registered twice.
func (sy *syncer) list(ctx context.Context, def *bindings.Subscription) {
	if def.List == nil {
		return
	}
	entries, err := sy.entries(ctx, def)
	if err != nil {
		sy.failed(place{sy.conn.Name(), def.Name, ""}, nil, fmt.Errorf("list what is registered: %w", err))
		for p := range sy.places {
			if p.name == def.Name {
				sy.places[p] = nil
			}
		}
		sy.incomplete = true
		return
	}
	for p, s := range sy.places {
		if p.name == def.Name && s != nil {
			s.listed = true
		}
	}
	for _, e := range entries {
		sy.assign(def, e)
	}
}

// entries are our subscriptions in the vendor's list.
func (sy *syncer) entries(ctx context.Context, def *bindings.Subscription) (all []entry, err error) {
	asked := map[string]bool{}
	for _, item := range sy.listed(def) {
		vars := sy.vars(item, nil, nil)
		args, err := call.Arguments(def.List.Args, vars)
		if err != nil {
			return nil, err
		}
		if asked[string(args)] {
			continue
		}
		asked[string(args)] = true
		own := call.BackgroundCall{App: sy.app, Connection: sy.conn.Name(), Call: *def.List, Vars: vars}
		err = sy.config.Calls.Walk(ctx, own, func(raw json.RawMessage) error {
			if e := sy.entry(def, raw); e.key != "" {
				all = append(all, e)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// listed are the items that have a list each; nil is the one list of all.
func (sy *syncer) listed(def *bindings.Subscription) (items []*call.Item) {
	if !mentionsItem(def.List.Args) {
		return []*call.Item{nil}
	}
	for p, s := range sy.places {
		if p.name == def.Name {
			items = append(items, s.item())
		}
	}
	return items
}

// assign adds an entry to its place; an entry without a place is an orphan.
func (sy *syncer) assign(def *bindings.Subscription, e entry) {
	for p, s := range sy.places {
		if s == nil || p.name != def.Name {
			continue
		}
		known := func(row journal.Subscription) bool { return row.Key == e.key }
		if slices.ContainsFunc(s.rows, known) || e.key[:min(len(e.key), len(p.prefix()))] == p.prefix() {
			if !slices.ContainsFunc(s.entries, func(o entry) bool { return o.id == e.id }) {
				s.entries = append(s.entries, e)
			}
			return
		}
	}
	if !slices.ContainsFunc(sy.orphans, func(o orphan) bool { return o.entry.id == e.id }) {
		sy.orphans = append(sy.orphans, orphan{def, e})
	}
}

// entry reads one element of the vendor's list. It has no key if it is not ours.
func (sy *syncer) entry(def *bindings.Subscription, raw json.RawMessage) entry {
	e := entry{
		id: jsonpath.Text(raw, def.ID), address: jsonpath.Text(raw, def.Address),
		expires: moment(jsonpath.Text(raw, def.Expires)), raw: slices.Clone(raw),
	}
	if def.Types != "" {
		if list, found := jsonpath.Lookup(raw, def.Types); found && json.Unmarshal(list, &e.types) == nil && e.types != nil {
			slices.Sort(e.types)
		}
	}
	if e.key = keyAt(sy.config.PublicURL, sy.conn.Name(), e.address); sy.config.PublicURL == "" {
		e.key = ""
	}
	for _, s := range sy.places {
		for i := 0; s != nil && i < len(s.rows); i++ {
			if s.rows[i].Address == e.address {
				e.key = s.rows[i].Key
			}
		}
	}
	return e
}

// item is the item of a place, as the vendor last listed it.
func (s *placeState) item() *call.Item {
	if s.target != nil {
		return s.target.item
	}
	for _, row := range s.rows {
		return itemOf(row)
	}
	return nil
}

// itemOf is the item that a row was registered for.
func itemOf(row journal.Subscription) (item *call.Item) {
	for i := len(row.Of) - 1; i >= 0; i-- {
		item = &call.Item{Value: row.Of[i], Of: item}
	}
	return item
}

// mentionsItem reports whether arguments have a variable of the item.
func mentionsItem(args map[string]any) bool {
	seen := false
	_, _ = call.Arguments(args, func(word string) (any, bool) {
		seen = seen || len(word) > 3 && word[:3] == "of."
		return "", true
	})
	return seen
}

// moment reads a time as vendors write it: RFC 3339 or Unix milliseconds. It is
// zero if there is none.
func moment(text string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t.UTC()
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil && ms > 1e11 && ms < 1e14 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}
