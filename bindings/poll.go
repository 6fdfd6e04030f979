package bindings

import "time"

// Call is a call that the engine makes by itself: the name of an operation of
// the catalogue, and arguments as a script would write them. In the texts of
// Args a word in braces is replaced by its value. A text that is one word and
// nothing else is replaced by the value with its type. An argument whose word
// has no value is left out, and so is an item of a list with such a word.
//
//	{account} {parent}   of the connection
//	{of.PATH}            of the item of ForEach that the call is made for;
//	                     {of.of.PATH} of the item that its list was read for
//	{since}              the time up to which changes are known, RFC 3339
//	{since.ms}           the same in Unix milliseconds
//	{from} {to}          the bounds of a Poll's Window, RFC 3339
//	{from.ms} {to.ms}    the same in Unix milliseconds
//	{url} {secret} {id} {types} {expires} {kept.PATH}   of a Subscription
type Call struct {
	Operation string
	Args      map[string]any
}

// ForEach is a list of items for each of which something is done: the calendars
// whose events are polled.
type ForEach struct {
	// List is read with the Pages of its operation. If {since} is in its
	// arguments, only the items that changed since then are used.
	List Call
	// ListByAuth are lists that replace List on connections with another way to
	// authorise, by Auth.Name: an app of a whole tenant has no teams of its own.
	ListByAuth map[string]Call `app:"instead"`
	// ID is the path in an item of its id, by which items are distinguished.
	ID string
	// ForEach are the items for each of which List itself is read; nil: it is
	// read once.
	ForEach *ForEach `app:"of"`
}

// ListFor returns the list for connections with a way to authorise.
func (o *ForEach) ListFor(auth string) Call {
	if list, found := o.ListByAuth[auth]; found {
		return list
	}
	return o.List
}

// Poll is a list that is read at intervals, so that its changes become events:
// for changes without webhooks, for connections that receive none, and, in
// addition to webhooks, to find changes whose webhook was lost.
type Poll struct {
	// Name is unique among the polls of the app: "tasks". A cursor is stored by
	// connection and Name.
	Name string
	// ForEach are the items for each of which the list is read; nil: it is read
	// once for a connection.
	ForEach *ForEach `app:"of"`
	// List is read with the Pages of its operation. If {since} is in its Args,
	// the list has only what changed after that time. Each poll reads the last
	// Overlap again, because vendors' lists lag behind their clocks. It is also how
	// far a list whose items have no Updated may be behind webhooks and calls, at
	// least a minute: until then an older state in it is not reported. A list with
	// {since} whose items have no Updated needs an Overlap of that length.
	List    Call
	Overlap time.Duration
	// NewestFirst is set if the list is sorted by Updated, latest first. A poll
	// then stops at the first item that is known.
	NewestFirst bool `app:"newest"`
	// Window are the bounds of a list that needs bounds: {from} is the present
	// time less Past, {to} the present time plus Ahead. A record that leaves
	// the window was not deleted.
	Window Window
	// FullEvery is how often the whole list is read although {since} or
	// NewestFirst would allow less, because only a whole list shows what was
	// deleted; zero: never.
	FullEvery time.Duration `app:"whole"`
	// Sync is the vendor's token for what was listed so far; nil if there is none.
	// It has precedence over {since}.
	Sync *Sync

	// Record is the path in an item of the record's id. Updated and Created are
	// those of its times; empty where an item does not have them. PerItem is
	// set if ids are unique only within one item of ForEach.
	Record  string
	PerItem bool
	Updated string
	Created string
	// Series is the path in an item of the id of the recurring record that the
	// item is one occurrence of; empty where no item has one. An occurrence
	// that is listed separately because it was changed is no new record.
	Series string
	// Data maps fields of event.data to paths in the item, or, after "of.", in
	// the item of ForEach. The path "." is the item itself, and {account} is
	// replaced as in a Call. Empty: event.data is the item.
	Data map[string]string
	// Adds maps fields that are added to event.data to the paths of their
	// values in the item of ForEach: the calendar of an event. After "of." a
	// path is one in the item that this one was read for.
	Adds map[string]string
	// Compare are paths in event.data: two events with the same values there
	// report the same change, whether they came by webhook or poll. Empty: all
	// except Ignore. A webhook's data and a list's item have the same values
	// there. Absent, null and empty are the same value, and so are two times or
	// numbers of the same value, and lists of texts in different order.
	Compare []string `app:"same"`
	// Ignore are paths that change although nothing happened.
	Ignore []string
	// Deleted maps paths in an item to the values of a deleted record, for
	// lists that still have deleted records.
	Deleted map[string]string
	// Facets are parts of a record whose changes have a trigger of their own.
	Facets []Facet

	// OnCreated, OnUpdated and OnDeleted are the triggers for a new, a changed
	// and a deleted record; empty: there is no event.
	OnCreated, OnUpdated, OnDeleted string

	// Every is the default interval.
	Every time.Duration
	// Auths are the ways to authorise (Auth.Name) whose connections receive no
	// webhooks and are therefore polled by default. A trigger without a Vendor
	// type is polled on every connection.
	Auths []string
	// Reconcile is set if the poll finds, by Since or Updated, changes whose
	// webhooks were lost.
	Reconcile bool
}

// Window is how far a list reaches into the past and the future.
type Window struct{ Past, Ahead time.Duration }

// Facet is a part of a record whose changes have a trigger of their own: the
// stage of an opportunity. OnUpdated reports such a change too if it compares
// the part.
type Facet struct {
	Trigger string
	// Compare are paths in event.data, as in Poll.
	Compare []string `app:"same"`
	// When maps paths in event.data to the values, as text, that are required
	// for an event: the trigger for a completed task when its completed becomes
	// true. The first values of a new record are no change.
	When map[string]string
}

// Sync is how the vendor lists only what changed since a token was issued.
type Sync struct {
	// Param is the parameter of the list for the token. Answer is the token's
	// path in the last page, or the name of a field at the top of it. Without
	// are the parameters that are not allowed together with it. If Param is the
	// Pages' URL, the token is an address.
	Param   string
	Answer  string
	Without []string
	// Expired are the statuses that refuse a token which is too old. Everything
	// is then listed and compared with what is known. ExpiredAnswer is the path
	// of a new token in that answer, if the vendor returns one there.
	Expired       []int  `app:"lost"`
	ExpiredAnswer string `app:"lost_answer"`
	// Complete is set if the list without a token has every record. A record
	// that is listed for the first time after that is new whatever its Created:
	// an invitation to an older event. If it is not set, Created decides.
	Complete bool
	// Deleted maps paths in an item to the values of a deleted record.
	Deleted map[string]string
	// Feed is set if the items are changes and not records. Each is read like
	// one notification of a webhook's Batch, and its trigger is found by
	// Trigger.Vendor and When. Nothing is compared, and there are no events for
	// what happened while a token was expired.
	Feed bool
	// Triggers are patterns of the triggers of a Feed: "asana.task.*".
	Triggers []string `app:"brings"`
}

// Poll finds a poll by its name.
func (a *App) Poll(name string) (*Poll, bool) {
	for i := range a.Polls {
		if a.Polls[i].Name == name {
			return &a.Polls[i], true
		}
	}
	return nil, false
}

// Triggers are the names of the triggers of a poll; those of a Feed are
// patterns.
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
		names = append(names, p.Sync.Triggers...)
	}
	return names
}
