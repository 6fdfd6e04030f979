package subscription

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// actKind is what is to be done about a subscription.
type actKind string

const (
	retain        actKind = "retain"
	create        actKind = "create"
	update        actKind = "update" // other types
	renew         actKind = "renew"
	replace       actKind = "replace" // create another, and set this one to replaced
	adopt         actKind = "adopt"   // it was created before a crash
	retire        actKind = "retire"  // set it to replaced
	remove        actKind = "remove"
	drop          actKind = "drop"           // the vendor does not have it any more
	removeUnknown actKind = "remove unknown" // remove one of ours that is not in the registry
)

// act is something to be done about a row, or an entry of the vendor's list.
type act struct {
	kind  actKind
	row   journal.Subscription
	entry *entry
	types []string
	why   string
}

// entry is one of our subscriptions in the vendor's list.
type entry struct {
	key, id, address string
	types            []string // nil where they cannot be read
	expires          time.Time
	raw              []byte
}

// placeState is what is needed and what exists at a place.
type placeState struct {
	sub    *bindings.Subscription
	target *target // nil: no script needs it
	rows   []journal.Subscription
	// listed is set when entries are all that the vendor has.
	listed  bool
	entries []entry
	// secret reports whether the secret of a row is known, if it needs one.
	secret func(key string) bool
	// ours reports whether an address is one of this installation.
	ours func(address string) bool
	// since is since when scripts need less than there is.
	since time.Time
	// expiring are the keys of rows to be renewed now, lost those of rows that
	// the vendor may not have any more.
	expiring, lost map[string]bool
}

// syncMode is what a sync may do.
type syncMode struct {
	// register allows to create, update and remove; without it subscriptions are
	// renewed, and replaced ones removed.
	register bool
	// now does not wait for Config.Settle.
	now bool
}

// planner decides what is to be done. It makes no calls.
type planner struct {
	now    time.Time
	settle time.Duration
	mode   syncMode
	next   time.Time // when to plan again, zero if nothing will be due
}

func (p *planner) checkAt(t time.Time) {
	if p.next.IsZero() || t.Before(p.next) {
		p.next = t
	}
}

// due reports whether a time has passed, and plans again at that time if not.
func (p *planner) due(t time.Time) bool {
	if !p.now.Before(t) {
		return true
	}
	p.checkAt(t)
	return false
}

// plan is what is to be done about one place, in this order, until an act fails.
func (p *planner) plan(s placeState) []act {
	acts, gone, live, rest := p.sort(s)
	if s.target == nil {
		return append(append(acts, gone...), p.unwanted(s, live, rest)...)
	}
	var current *journal.Subscription
	if len(live) > 0 {
		current, live = &live[len(live)-1], live[:len(live)-1]
	}
	switch {
	case current != nil:
		acts = append(acts, p.current(s, *current))
	case p.mode.register || len(gone) > 0: // what was registered once stays registered
		acts = append(acts, act{kind: create, types: s.target.types, why: "wanted by scripts"})
	}
	acts = append(acts, gone...)
	for _, row := range live {
		acts = append(acts, act{kind: retire, row: row, why: "another took its place"})
	}
	for _, a := range rest {
		switch {
		case a.kind == removeUnknown:
			if p.mode.register {
				acts = append(acts, a)
			}
		// Without a newer one it may be the only one. And its last webhooks may still
		// be on their way.
		case current != nil && (p.mode.now && a.row.State == journal.SubscriptionPending || p.due(current.Created.Add(p.settle))):
			acts = append(acts, a)
		}
	}
	return acts
}

// sort returns the rows that are live, the newest last, and the acts for those
// that the vendor does not have and for the rest, which is to be removed.
func (p *planner) sort(s placeState) (acts, gone []act, live []journal.Subscription, rest []act) {
	rows := slices.Clone(s.rows)
	slices.SortStableFunc(rows, func(a, b journal.Subscription) int { return a.Created.Compare(b.Created) })
	for _, row := range rows {
		listed := s.entryOf(row)
		switch pending := row.State == journal.SubscriptionPending; {
		case listed == nil && s.listed && (pending || p.now.Sub(row.Created) >= p.settle):
			// A list may not contain yet what was just created.
			gone = append(gone, act{kind: drop, row: row, why: "the vendor has it no longer"})
		case !row.Expires.IsZero() && !p.now.Before(row.Expires):
			gone = append(gone, act{kind: drop, row: row, why: "it has ended"})
		case pending && listed != nil && s.secret(row.Key) && s.ours(row.Address):
			acts = append(acts, act{kind: adopt, row: row, entry: listed, why: "it was created, and the answer was not received"})
			live = append(live, adopted(row, listed))
		case pending, row.State == journal.SubscriptionReplaced, !s.secret(row.Key), !s.ours(row.Address), s.lost[row.Key] && !s.listed:
			rest = append(rest, act{kind: remove, row: row, entry: listed, why: "another took its place"})
		default:
			if listed != nil && listed.types != nil {
				row.Types = listed.types
			}
			live = append(live, row)
		}
	}
	for i, e := range s.entries {
		if !slices.ContainsFunc(rows, func(row journal.Subscription) bool { return row.Key == e.key }) {
			rest = append(rest, act{kind: removeUnknown, entry: &s.entries[i], why: "nothing is known of it here"})
		}
	}
	return acts, gone, live, rest
}

func (s placeState) entryOf(row journal.Subscription) *entry {
	for i := range s.entries {
		if s.entries[i].key == row.Key {
			return &s.entries[i]
		}
	}
	return nil
}

func adopted(row journal.Subscription, e *entry) journal.Subscription {
	row.State, row.ID = journal.SubscriptionLive, e.id
	if e.types != nil {
		row.Types = e.types
	}
	if !e.expires.IsZero() {
		row.Expires = e.expires
	}
	return row
}

// current decides about the live row.
func (p *planner) current(s placeState, row journal.Subscription) act {
	anew := func(change *bindings.Call, as actKind) actKind {
		if change == nil {
			return replace
		}
		return as
	}
	types := s.target.types
	if choosesTypes(s.sub) && p.mode.register {
		lacking, extra := without(types, row.Types), without(row.Types, types)
		switch {
		case len(lacking) > 0:
			// Types that are not needed any more are removed after Config.Settle.
			return act{kind: anew(s.sub.Update, update), row: row, types: merged(types, extra), why: "scripts want other types"}
		case len(extra) > 0 && (p.mode.now || !s.since.IsZero() && p.due(s.since.Add(p.settle))):
			return act{kind: anew(s.sub.Update, update), row: row, types: types, why: "scripts want fewer types"}
		}
	}
	if row.Expires.IsZero() {
		return act{kind: retain, row: row}
	}
	if s.expiring[row.Key] || p.due(renewal(s.sub, row)) {
		return act{kind: anew(s.sub.Renew, renew), row: row, types: row.Types, why: "it ends at " + row.Expires.UTC().Format(time.RFC3339)}
	}
	return act{kind: retain, row: row}
}

// renewal is when a subscription is to be renewed: when a quarter of its
// lifetime is left.
func renewal(sub *bindings.Subscription, row journal.Subscription) time.Time {
	lifetime := sub.Lifetime
	began := row.Renewed
	if began.IsZero() {
		began = row.Created
	}
	if given := row.Expires.Sub(began); lifetime == 0 || given < lifetime {
		lifetime = given // the vendor answered a shorter one than requested
	}
	return row.Expires.Add(-lifetime / 4)
}

// unwanted decides about a place that no script needs.
func (p *planner) unwanted(s placeState, live []journal.Subscription, rest []act) (acts []act) {
	settled := p.mode.register && (p.mode.now || !s.since.IsZero() && p.due(s.since.Add(p.settle)))
	for _, row := range live {
		if settled {
			acts = append(acts, act{kind: remove, row: row, why: "no script needs it"})
		} else {
			acts = append(acts, act{kind: retain, row: row, why: "no script needs it"})
		}
	}
	for _, a := range rest {
		if settled {
			a.why = "no script needs it"
			acts = append(acts, a)
		}
	}
	return acts
}

// without returns the elements of all that are not in others.
func without(all, others []string) (left []string) {
	for _, one := range all {
		if !slices.Contains(others, one) {
			left = append(left, one)
		}
	}
	return left
}

func merged(a, b []string) []string {
	all := append(slices.Clone(a), b...)
	slices.Sort(all)
	return slices.Compact(all)
}
