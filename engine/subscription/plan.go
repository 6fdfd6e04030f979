package subscription

import (
	"slices"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// deed is one thing to be done about a subscription.
type deed string

const (
	keep    deed = "keep"
	create  deed = "create"
	update  deed = "update" // other types
	renew   deed = "renew"
	replace deed = "replace" // create another, and mark this one as replaced
	adopt   deed = "adopt"   // it was created before a crash
	retire  deed = "retire"  // mark it as replaced
	remove  deed = "remove"
	forget  deed = "forget" // the vendor has it no longer
	stray   deed = "stray"  // remove one that is ours and of which nothing is kept
)

// act is a deed on a row, or on what the vendor lists.
type act struct {
	deed  deed
	row   journal.Subscription
	entry *entry
	types []string
	why   string
}

// entry is one of ours as the vendor lists it.
type entry struct {
	key, id, address string
	types            []string // nil where they cannot be read
	expires          time.Time
	raw              []byte
}

// standing is all that is known of a place.
type standing struct {
	sub    *bindings.Subscription
	target *target // nil: nothing wants it
	rows   []journal.Subscription
	// listed says that entries are all that the vendor has.
	listed  bool
	entries []entry
	// secret tells whether the secret of a row is known, if it needs one.
	secret func(key string) bool
	// ours is the beginning of the addresses that are good now.
	ours func(address string) bool
	// since is since when scripts want less than there is.
	since time.Time
	// rushed asks to renew the rows with these keys, doubted not to trust that
	// they are there.
	rushed, doubted map[string]bool
}

// manner is how far one goes.
type manner struct {
	// register allows to create, update and remove; without it what is there is
	// renewed, and what was replaced removed.
	register bool
	// now waits for nothing to settle.
	now bool
}

// planner decides what is to be done. It asks nobody.
type planner struct {
	now    time.Time
	settle time.Duration
	manner manner
	next   time.Time // when to look again, zero if nothing will be due
}

func (p *planner) lookAt(t time.Time) {
	if p.next.IsZero() || t.Before(p.next) {
		p.next = t
	}
}

// due reports whether a moment has come, and looks again then if not.
func (p *planner) due(t time.Time) bool {
	if !p.now.Before(t) {
		return true
	}
	p.lookAt(t)
	return false
}

// plan is what is to be done about one place, in this order; what fails ends
// it.
func (p *planner) plan(s standing) []act {
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
	case p.manner.register || len(gone) > 0: // what was registered once is kept so
		acts = append(acts, act{deed: create, types: s.target.types, why: "wanted by scripts"})
	}
	acts = append(acts, gone...)
	for _, row := range live {
		acts = append(acts, act{deed: retire, row: row, why: "another took its place"})
	}
	for _, a := range rest {
		switch {
		case a.deed == stray:
			if p.manner.register {
				acts = append(acts, a)
			}
		// One in whose place nothing came may be all there is, and what it brings
		// is under way for a while.
		case current != nil && (p.manner.now && a.row.State == journal.SubscriptionPending || p.due(current.Created.Add(p.settle))):
			acts = append(acts, a)
		}
	}
	return acts
}

// sort tells rows that are good, the newest last, from those that the vendor
// does not have and the rest, which is to go.
func (p *planner) sort(s standing) (acts, gone []act, live []journal.Subscription, rest []act) {
	rows := slices.Clone(s.rows)
	slices.SortStableFunc(rows, func(a, b journal.Subscription) int { return a.Created.Compare(b.Created) })
	for _, row := range rows {
		listed := s.entryOf(row)
		switch pending := row.State == journal.SubscriptionPending; {
		case listed == nil && s.listed && (pending || p.now.Sub(row.Created) >= p.settle):
			// A list may lag behind what was just created.
			gone = append(gone, act{deed: forget, row: row, why: "the vendor has it no longer"})
		case !row.Expires.IsZero() && !p.now.Before(row.Expires):
			gone = append(gone, act{deed: forget, row: row, why: "it has ended"})
		case pending && listed != nil && s.secret(row.Key) && s.ours(row.Address):
			acts = append(acts, act{deed: adopt, row: row, entry: listed, why: "it was created, and not heard of"})
			live = append(live, adopted(row, listed))
		case pending, row.State == journal.SubscriptionReplaced, !s.secret(row.Key), !s.ours(row.Address), s.doubted[row.Key] && !s.listed:
			rest = append(rest, act{deed: remove, row: row, entry: listed, why: "another took its place"})
		default:
			if listed != nil && listed.types != nil {
				row.Types = listed.types
			}
			live = append(live, row)
		}
	}
	for i, e := range s.entries {
		if !slices.ContainsFunc(rows, func(row journal.Subscription) bool { return row.Key == e.key }) {
			rest = append(rest, act{deed: stray, entry: &s.entries[i], why: "nothing is known of it here"})
		}
	}
	return acts, gone, live, rest
}

func (s standing) entryOf(row journal.Subscription) *entry {
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

// current decides about the one that is there.
func (p *planner) current(s standing, row journal.Subscription) act {
	anew := func(change *bindings.Call, as deed) deed {
		if change == nil {
			return replace
		}
		return as
	}
	types := s.target.types
	if choosesTypes(s.sub) && p.manner.register {
		lacking, extra := without(types, row.Types), without(row.Types, types)
		switch {
		case len(lacking) > 0:
			// What is no longer wanted goes when it has settled that it is not.
			return act{deed: anew(s.sub.Update, update), row: row, types: merged(types, extra), why: "scripts want other types"}
		case len(extra) > 0 && (p.manner.now || !s.since.IsZero() && p.due(s.since.Add(p.settle))):
			return act{deed: anew(s.sub.Update, update), row: row, types: types, why: "scripts want fewer types"}
		}
	}
	if row.Expires.IsZero() {
		return act{deed: keep, row: row}
	}
	if s.rushed[row.Key] || p.due(renewal(s.sub, row)) {
		return act{deed: anew(s.sub.Renew, renew), row: row, types: row.Types, why: "it ends at " + row.Expires.UTC().Format(time.RFC3339)}
	}
	return act{deed: keep, row: row}
}

// renewal is when a subscription is to be renewed: when a quarter of its life
// is left.
func renewal(sub *bindings.Subscription, row journal.Subscription) time.Time {
	life := sub.Lifetime
	began := row.Renewed
	if began.IsZero() {
		began = row.Created
	}
	if given := row.Expires.Sub(began); life == 0 || given < life {
		life = given // the vendor gave less than was asked for
	}
	return row.Expires.Add(-life / 4)
}

// unwanted decides about a place that nothing wants.
func (p *planner) unwanted(s standing, live []journal.Subscription, rest []act) (acts []act) {
	settled := p.manner.register && (p.manner.now || !s.since.IsZero() && p.due(s.since.Add(p.settle)))
	for _, row := range live {
		if settled {
			acts = append(acts, act{deed: remove, row: row, why: "no script wants it"})
		} else {
			acts = append(acts, act{deed: keep, row: row, why: "no script wants it"})
		}
	}
	for _, a := range rest {
		if settled {
			a.why = "no script wants it"
			acts = append(acts, a)
		}
	}
	return acts
}

// without gives what of all is not in others.
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
