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

// visit looks after one connection once.
type visit struct {
	*Keeper
	conn *connection.Connection
	app  *bindings.App
	care *care
	gen  *script.Generation
	how  manner
	dry  bool // decides and does nothing

	now     time.Time
	planner planner
	places  map[place]*standing
	marks   map[string]bool // of all places that are known
	orphans []orphan
	doubt   bool // some places are not known
	changes []Change
}

// orphan is what the vendor has of ours at no place that we know.
type orphan struct {
	def   *bindings.Subscription
	entry entry
}

func (k *Keeper) visit(conn *connection.Connection, c *care, g *script.Generation, how manner) *visit {
	return &visit{Keeper: k, conn: conn, app: conn.App(), care: c, gen: g, how: how, places: map[place]*standing{}, marks: map[string]bool{}}
}

// make finds out what is wanted and what there is, does what is to be done, and
// says when to come again.
func (v *visit) make(ctx context.Context) time.Time {
	select {
	case v.care.turn <- struct{}{}:
		defer func() { <-v.care.turn }()
	case <-ctx.Done():
		return v.Clock.Now().Add(nap)
	}
	v.now = v.Clock.Now()
	v.planner = planner{now: v.now, settle: v.Settle, manner: v.how, next: v.now.Add(v.Check)}
	if v.conn.ReadOnly() {
		v.skip("the connection is read_only, so nothing is registered or removed for it")
		return v.planner.next
	}
	if !v.conn.Authorizes() {
		return v.planner.next // there is an address to post to and nothing else
	}
	defs := v.find(ctx)
	for _, def := range defs {
		v.list(ctx, def)
	}
	v.act(ctx)
	for _, o := range v.orphans {
		if !v.marks[strings.SplitN(o.entry.key, "-", 2)[0]] && !v.doubt && v.how.register {
			p := place{v.conn.Name(), o.def.Name, ""}
			v.do(ctx, p, &standing{sub: o.def}, act{deed: stray, entry: &o.entry, why: "nothing is known of it here"})
		}
	}
	return v.planner.next
}

// skip reports what is not done for what scripts want or we have.
func (v *visit) skip(why string) {
	for i := range v.app.Subscriptions {
		def := &v.app.Subscriptions[i]
		if wanted, types := wants(v.app, def, v.conn.Name(), v.gen); wanted && !byHand(def) {
			v.changes = append(v.changes, Change{Connection: v.conn.Name(), Subscription: def.Name, Action: Skipped, Types: types, Text: why})
		}
	}
}

// find gathers the places that scripts want and those of which there is
// something, and gives the subscriptions of which any was found.
func (v *visit) find(ctx context.Context) (defs []*bindings.Subscription) {
	fresh := standing{
		rushed: v.care.flagged(v.care.rushed, !v.dry), doubted: v.care.flagged(v.care.doubted, !v.dry), secret: v.hasSecret, ours: v.isOurs,
	}
	rows := v.book.all(func(s journal.Subscription) bool {
		conn, found := v.Connections.Get(s.Connection) // maybe by a name that it had
		return found && conn.Name() == v.conn.Name()
	})
	for i := range v.app.Subscriptions {
		def := &v.app.Subscriptions[i]
		if byHand(def) {
			continue
		}
		targets, err := v.targets(ctx, def)
		if err != nil {
			v.doubt = true
			continue
		}
		fresh.sub = def
		found := len(targets) > 0
		for _, row := range rows {
			if row.Name == def.Name {
				s := v.at(row.Item, fresh)
				s.rows, found = append(s.rows, row), true
			}
		}
		for item, target := range targets {
			v.at(item, fresh).target = target
		}
		if found || v.how.now {
			defs = append(defs, def)
		}
	}
	return defs
}

// targets are what scripts want of a subscription, by item. It reports that
// the items cannot be listed.
func (v *visit) targets(ctx context.Context, def *bindings.Subscription) (map[string]*target, error) {
	wanted, types := wants(v.app, def, v.conn.Name(), v.gen)
	if !wanted {
		return nil, nil
	}
	items, err := v.Calls.Items(ctx, v.app, v.conn.Name(), def.ForEach, v.words(nil, nil, nil))
	if err != nil {
		v.failed(place{v.conn.Name(), def.Name, ""}, types, fmt.Errorf("list what it is registered for: %w", err))
		return nil, err
	}
	all := make(map[string]*target, len(items))
	for item, of := range items {
		all[item] = &target{item: of, types: types}
	}
	return all, nil
}

// at is the place of an item, made from fresh if it is a new one.
func (v *visit) at(item string, fresh standing) *standing {
	p := place{v.conn.Name(), fresh.sub.Name, item}
	if v.places[p] == nil {
		v.places[p] = &fresh
		v.marks[p.mark()] = true
	}
	return v.places[p]
}

func (v *visit) isOurs(address string) bool {
	// Without an address of our own we cannot tell, and leave it as it is.
	return v.PublicURL == "" || keyAt(v.PublicURL, v.conn.Name(), address) != ""
}

func (v *visit) hasSecret(key string) bool {
	if !needsSecret(v.app.Webhook) {
		return true
	}
	_, secret, err := v.book.find(key)
	return err != nil || secret != "" // one that cannot be read now is not lost
}

// act plans each place and does it.
func (v *visit) act(ctx context.Context) {
	places := slices.SortedFunc(maps.Keys(v.places), func(a, b place) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.item, b.item))
	})
	for _, p := range places {
		s := v.places[p]
		if s == nil {
			continue // it could not be listed
		}
		if rest := v.care.resting(p); v.now.Before(rest.at) && !v.how.now {
			v.planner.lookAt(rest.at)
			continue
		}
		s.since = v.care.since(p, wish(s), v.now)
		for _, a := range v.planner.plan(*s) {
			if !v.do(ctx, p, s, a) {
				break
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// wish writes what less than there is scripts want of a place.
func wish(s *standing) string {
	if s.target == nil {
		return "nothing"
	}
	var extra []string
	for _, row := range s.rows {
		extra = merged(extra, without(row.Types, s.target.types))
	}
	return "not " + strings.Join(extra, " ")
}

// failed reports and remembers what could not be done.
func (v *visit) failed(p place, types []string, err error) {
	v.changes = append(v.changes, Change{Connection: p.connection, Subscription: p.name, Item: p.item, Action: Failed, Types: types, Text: err.Error()})
	if v.dry {
		return
	}
	v.care.failed(p, err, v.now)
	v.planner.lookAt(v.care.resting(p).at)
}

// words are what stands for itself in calls about a subscription.
func (v *visit) words(item *call.Item, kept map[string]any, others map[string]any) call.Vars {
	return func(word string) (any, bool) {
		if value, known := others[word]; known {
			return value, value != nil
		}
		if path, found := strings.CutPrefix(word, "kept."); found {
			value, known := kept[path]
			return value, known
		}
		switch word {
		case "account":
			return v.conn.Account(), v.conn.Account() != ""
		case "parent":
			if parent := v.conn.Parent(); parent != nil {
				return parent.Account(), parent.Account() != ""
			}
			return nil, false
		}
		return item.Var(word)
	}
}
