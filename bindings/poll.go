package bindings

import "time"

// Call is a call that the engine makes for itself: an operation of the
// catalogue, by its name, with arguments as a script would write them. In the
// texts of Args a word in braces stands for what is known where the call is
// made. A text that is nothing but one such word takes the value with its
// type; an argument whose word stands for nothing is left out, and so is the
// item of a list in which any does.
//
//	{account} {parent}   of the connection
//	{of.PATH}            of the item that the call is made for; {of.of.PATH} of
//	                     the one that its list was made for
//	{since}              the time up to which changes are known, RFC 3339
//	{since.ms}           the same in Unix milliseconds
//	{from} {to}          the bounds of a Poll's Window, RFC 3339
//	{from.ms} {to.ms}    the same in Unix milliseconds
//	{url} {secret} {id} {types} {expires} {kept.PATH}   of a Subscription
type Call struct {
	Operation string
	Args      map[string]any
}

// Of lists what something is done for, once for each item: the calendars of
// which each has events.
type Of struct {
	// List is walked by the Pages of its operation. Where {since} stands in it
	// only the items that changed after that are looked at.
	List Call
	// Instead are lists that stand in its place on connections which are
	// authorised in another way, by Auth.Name: an app of a whole tenant has no
	// teams of its own.
	Instead map[string]Call
	// ID is the path of an item's name, which tells one from another.
	ID string
	// Of is what that list itself is made for, nil if it is asked for once.
	Of *Of
}

// ListBy is the list for connections that are authorised in a way.
func (o *Of) ListBy(auth string) Call {
	if instead, found := o.Instead[auth]; found {
		return instead
	}
	return o.List
}

// Poll is a list that is looked at from time to time, so that what changed in
// it becomes events: for what no webhook tells, for connections that get none,
// and, behind webhooks, to find what they lost.
type Poll struct {
	// Name tells it from the others of the app: "tasks". With the connection
	// it is what a cursor belongs to.
	Name string
	// Of is what the list is made for, nil if there is one for a connection.
	Of *Of
	// List is walked by the Pages of its operation. Where {since} stands in
	// its Args it answers only what changed after that; Overlap is asked for
	// again each time, because vendors' lists lag behind their clocks.
	List    Call
	Overlap time.Duration
	// Newest says that the list begins with what changed last, by Updated, so
	// that a walk may end at what is known.
	Newest bool
	// Window bounds a list that wants bounds: {from} and {to} are now less
	// Past and now plus Ahead. What leaves the window is not gone.
	Window Window
	// Whole is how often everything is walked although {since} or Newest would
	// do, since only then what is gone is found; zero: never.
	Whole time.Duration
	// Sync is how the vendor itself keeps what we have seen, nil if it does
	// not. It goes before {since}.
	Sync *Sync

	// Record is the path in an item of the record's id; Updated and Created
	// are those of its times, empty where an item does not carry them. PerItem
	// says that ids are told apart only within one item of Of.
	Record  string
	PerItem bool
	Updated string
	Created string
	// Series is the path in an item of the id of the recurring record that the
	// item is one occurrence of; empty where no item has one. An occurrence
	// that is listed on its own because it was changed is no new record.
	Series string
	// Data maps fields of event.data to paths in the item, or, behind "of.",
	// in the item that it was made for; the path "." is the item itself, and
	// {account} stands for what it does in a Call. Empty: event.data is the
	// item.
	Data map[string]string
	// Adds are fields of event.data beside those of the item or of Data, with
	// the paths of their values in the item that the list was made for: the
	// calendar of an event; behind "of.", in that for which its list was made.
	Adds map[string]string
	// Same are paths in event.data that say whether two events tell the same
	// change, however they came; empty means all but Ignore. A webhook's data
	// and a list's item have the same values there: what is absent, null or
	// empty is the same, as are times and numbers of the same value and lists
	// of texts in any order.
	Same []string
	// Ignore are paths that change although nothing happened.
	Ignore []string
	// Deleted maps paths in an item to the values that say that it is gone,
	// where a list goes on showing it.
	Deleted map[string]string
	// Facets are parts of a record whose change has a trigger of its own.
	Facets []Facet

	// The triggers of an item that is new, that changed, and that is gone.
	// Empty: not told.
	OnCreated, OnUpdated, OnDeleted string

	// Every is how often it is looked at where nobody says otherwise.
	Every time.Duration
	// Auths names the ways to authorise (Auth.Name) that get no webhooks, so
	// that their connections are polled without being asked. A trigger that
	// has no Vendor type is polled on every connection.
	Auths []string
	// Reconcile says that it finds, by Since or Updated, what webhooks lost.
	Reconcile bool
}

// Window is how far a list goes into the past and the future.
type Window struct{ Past, Ahead time.Duration }

// Facet is a part of a record whose change is told by a trigger of its own,
// beside OnUpdated if that watches the part too: the stage of an opportunity.
type Facet struct {
	Trigger string
	// Same are paths in event.data, as in Poll.
	Same []string
	// When maps paths in event.data to the values, as text, that it must have
	// to be told: a task's completed is told when it becomes true. What a new
	// record begins with is no change.
	When map[string]string
}

// Sync is a token of the vendor's that stands for what we have seen.
type Sync struct {
	// Param of the list takes it; Answer is its path in the last page, or the
	// name of a field at its top. Without lists the parameters that may not
	// stand beside it. Where Param is the Pages' URL it is an address.
	Param   string
	Answer  string
	Without []string
	// Lost are the statuses that refuse a token which is too old: everything
	// is listed anew and compared with what is known. LostAnswer is the path
	// in that answer of a new token, where the vendor gives one there.
	Lost       []int
	LostAnswer string
	// Complete says that the list without a token holds every record. A record
	// that is listed for the first time after that is new whatever its Created:
	// an invitation to an older event. Where it is not set, Created decides.
	Complete bool
	// Deleted maps paths in an item to the values that say that it is gone.
	Deleted map[string]string
	// Feed says that the items are changes and not records: each is read as one
	// of a webhook's Batch is, and its trigger found by Trigger.Vendor and When.
	// There is nothing to compare, and what happened while a token was lost is
	// not told. Brings are patterns of the triggers that come of it:
	// "asana.task.*".
	Feed   bool
	Brings []string
}

// PollOf finds a poll by its name.
func (a *App) PollOf(name string) (*Poll, bool) {
	for i := range a.Polls {
		if a.Polls[i].Name == name {
			return &a.Polls[i], true
		}
	}
	return nil, false
}

// Triggers are the names of what a poll tells; of a Feed they are patterns.
func (p *Poll) Triggers() []string {
	var names []string
	for _, name := range []string{p.OnCreated, p.OnUpdated, p.OnDeleted} {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, facet := range p.Facets {
		names = append(names, facet.Trigger)
	}
	if p.Sync != nil {
		names = append(names, p.Sync.Brings...)
	}
	return names
}
