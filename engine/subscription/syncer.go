package subscription

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
)

// syncer makes one sync of one connection.
type syncer struct {
	*Registrar
	conn  *connection.Connection
	app   *bindings.App
	state *connState
	gen   *script.Generation
	mode  syncMode
	dry   bool // decides and changes nothing

	now        time.Time
	planner    planner
	places     map[place]*placeState
	prefixes   map[string]bool // of the keys of all places
	orphans    []orphan
	incomplete bool // some places could not be listed
	changes    []Change
}

// orphan is one of our subscriptions in the vendor's list that has no place.
type orphan struct {
	def   *bindings.Subscription
	entry entry
}

func (r *Registrar) newSyncer(conn *connection.Connection, c *connState, g *script.Generation, mode syncMode) *syncer {
	return &syncer{Registrar: r, conn: conn, app: conn.App(), state: c, gen: g, mode: mode, places: map[place]*placeState{}, prefixes: map[string]bool{}}
}

// sync compares what scripts need with what exists, changes what differs, and
// returns when the next sync is due.
func (sy *syncer) sync(ctx context.Context) time.Time {
	select {
	case sy.state.syncing <- struct{}{}:
		defer func() { <-sy.state.syncing }()
	case <-ctx.Done():
		return sy.config.Clock.Now().Add(maxSleep)
	}
	sy.now = sy.config.Clock.Now()
	sy.planner = planner{now: sy.now, settle: sy.config.Settle, mode: sy.mode, next: sy.now.Add(sy.config.Check)}
	if sy.conn.ReadOnly() {
		sy.skip("the connection is read_only, so nothing is registered or removed for it")
		return sy.planner.next
	}
	if !sy.conn.Authorizes() {
		return sy.planner.next // the connection has only an address to post to
	}
	defs := sy.find(ctx)
	for _, def := range defs {
		sy.list(ctx, def)
	}
	sy.act(ctx)
	for _, o := range sy.orphans {
		if !sy.prefixes[strings.SplitN(o.entry.key, "-", 2)[0]] && !sy.incomplete && sy.mode.register {
			p := place{sy.conn.Name(), o.def.Name, ""}
			sy.do(ctx, p, &placeState{sub: o.def}, act{kind: removeUnknown, entry: &o.entry, why: "nothing is known of it here"})
		}
	}
	return sy.planner.next
}

// skip adds a Change for each subscription that scripts need and that is
// skipped.
func (sy *syncer) skip(why string) {
	for i := range sy.app.Subscriptions {
		def := &sy.app.Subscriptions[i]
		if wanted, types := wantedTypes(sy.app, def, sy.conn.Name(), sy.gen); wanted && !isManual(def) {
			sy.changes = append(sy.changes, Change{Connection: sy.conn.Name(), Subscription: def.Name, Action: Skipped, Types: types, Text: why})
		}
	}
}

// find adds the places that scripts need and those with a row, and returns the
// kinds of subscription that have a place.
func (sy *syncer) find(ctx context.Context) (defs []*bindings.Subscription) {
	base := placeState{
		expiring: sy.state.flags(sy.state.expiring, !sy.dry), lost: sy.state.flags(sy.state.lost, !sy.dry), secret: sy.hasSecret, ours: sy.isOurs,
	}
	rows := sy.registry.all(func(s journal.Subscription) bool {
		conn, found := sy.config.Connections.Get(s.Connection) // perhaps by a former name
		return found && conn.Name() == sy.conn.Name()
	})
	for i := range sy.app.Subscriptions {
		def := &sy.app.Subscriptions[i]
		if isManual(def) {
			continue
		}
		targets, err := sy.targets(ctx, def)
		if err != nil {
			sy.incomplete = true
			continue
		}
		base.sub = def
		found := len(targets) > 0
		for _, row := range rows {
			if row.Name == def.Name {
				s := sy.at(row.Item, base)
				s.rows, found = append(s.rows, row), true
			}
		}
		for item, target := range targets {
			sy.at(item, base).target = target
		}
		if found || sy.mode.now {
			defs = append(defs, def)
		}
	}
	return defs
}

// targets are the places of a subscription that scripts need, by item. The error
// is that of listing the items.
func (sy *syncer) targets(ctx context.Context, def *bindings.Subscription) (map[string]*target, error) {
	wanted, types := wantedTypes(sy.app, def, sy.conn.Name(), sy.gen)
	if !wanted {
		return nil, nil
	}
	items, err := sy.config.Calls.Items(ctx, sy.app, sy.conn.Name(), def.ForEach, sy.vars(nil, nil, nil))
	if err != nil {
		sy.failed(place{sy.conn.Name(), def.Name, ""}, types, fmt.Errorf("list what it is registered for: %w", err))
		return nil, err
	}
	all := make(map[string]*target, len(items))
	for item, of := range items {
		all[item] = &target{item: of, types: types}
	}
	return all, nil
}

// at is the place of an item; a new one is a copy of base.
func (sy *syncer) at(item string, base placeState) *placeState {
	p := place{sy.conn.Name(), base.sub.Name, item}
	if sy.places[p] == nil {
		sy.places[p] = &base
		sy.prefixes[p.prefix()] = true
	}
	return sy.places[p]
}

func (sy *syncer) isOurs(address string) bool {
	// Without a PublicURL all addresses count as ours, and stay as they are.
	return sy.config.PublicURL == "" || keyAt(sy.config.PublicURL, sy.conn.Name(), address) != ""
}

func (sy *syncer) hasSecret(key string) bool {
	if !needsSecret(sy.app.Webhook) {
		return true
	}
	_, secret, err := sy.registry.find(key)
	return err != nil || secret != "" // a secret that cannot be read now is not lost
}

// act plans the acts of each place and performs them.
func (sy *syncer) act(ctx context.Context) {
	places := slices.SortedFunc(maps.Keys(sy.places), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.item, b.item))
	})
	for _, p := range places {
		s := sy.places[p]
		if s == nil {
			continue // it could not be listed
		}
		if rest := sy.state.retryOf(p); sy.now.Before(rest.at) && !sy.mode.now {
			sy.planner.checkAt(rest.at)
			continue
		}
		s.since = sy.state.since(p, unwantedTypes(s), sy.now)
		for _, a := range sy.planner.plan(*s) {
			if !sy.do(ctx, p, s, a) {
				break
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// unwantedTypes describes what is registered at a place and not needed.
func unwantedTypes(s *placeState) string {
	if s.target == nil {
		return "nothing"
	}
	var extra []string
	for _, row := range s.rows {
		extra = merged(extra, without(row.Types, s.target.types))
	}
	return "not " + strings.Join(extra, " ")
}

// failed adds a Change for an error, and sets when the place is tried again.
func (sy *syncer) failed(p place, types []string, err error) {
	sy.changes = append(sy.changes, Change{Connection: p.connection, Subscription: p.name, Item: p.item, Action: Failed, Types: types, Text: err.Error()})
	if sy.dry {
		return
	}
	sy.state.failed(p, err, sy.now)
	sy.planner.checkAt(sy.state.retryOf(p).at)
}

// vars are the variables of calls about a subscription.
func (sy *syncer) vars(item *call.Item, removal map[string]any, others map[string]any) call.Vars {
	return func(word string) (any, bool) {
		if value, known := others[word]; known {
			return value, value != nil
		}
		if path, found := strings.CutPrefix(word, "kept."); found {
			value, known := removal[path]
			return value, known
		}
		switch word {
		case "account":
			return sy.conn.Account(), sy.conn.Account() != ""
		case "parent":
			if parent := sy.conn.Parent(); parent != nil {
				return parent.Account(), parent.Account() != ""
			}
			return nil, false
		}
		return item.Var(word)
	}
}
