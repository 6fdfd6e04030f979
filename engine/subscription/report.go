package subscription

import "time"

// Action is what became of a subscription in one visit. In a dry run it is
// what would.
type Action string

// The actions.
const (
	Created  Action = "created"
	Kept     Action = "kept"
	Adopted  Action = "found again" // it was created before a crash
	Updated  Action = "updated"     // to other types
	Renewed  Action = "renewed"
	Replaced Action = "replaced" // another was created; this one goes in a while
	Removed  Action = "removed"
	Gone     Action = "gone" // the vendor had ended it
	Failed   Action = "failed"
	Skipped  Action = "skipped"
	ByHand   Action = "by hand" // the vendor has no API for it
)

// Change says what was done about one subscription. It holds no secret.
type Change struct {
	Connection   string
	Subscription string
	Item         string
	Action       Action
	Types        []string
	Expires      time.Time
	Text         string // why, or what went wrong
	// URL and Steps are for what is done by hand.
	URL   string
	Steps []string
}

// actions are what deeds are reported as.
var actions = map[deed]Action{
	keep: Kept, create: Created, update: Updated, renew: Renewed, replace: Replaced, adopt: Adopted, retire: Replaced,
	remove: Removed, forget: Gone, stray: Removed,
}
