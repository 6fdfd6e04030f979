package subscription

import "time"

// Action is what a sync did with a subscription or, in a dry run, would do.
type Action string

// The actions.
const (
	Created   Action = "created"
	Unchanged Action = "kept"
	Adopted   Action = "found again" // it was created before a crash
	Updated   Action = "updated"     // to other types
	Renewed   Action = "renewed"
	Replaced  Action = "replaced" // another was created; this one is removed later
	Removed   Action = "removed"
	Gone      Action = "gone" // the vendor does not have it any more
	Failed    Action = "failed"
	Skipped   Action = "skipped"
	Manual    Action = "by hand" // the vendor has no API for it
)

// Change is what was done about one subscription. It has no secret.
type Change struct {
	Connection   string
	Subscription string
	Item         string
	Action       Action
	Types        []string
	Expires      time.Time
	Text         string // why, or the error
	// URL and Steps are set for Manual.
	URL   string
	Steps []string
}

// actions are the reported actions of acts.
var actions = map[actKind]Action{
	retain: Unchanged, create: Created, update: Updated, renew: Renewed, replace: Replaced, adopt: Adopted, retire: Replaced,
	remove: Removed, drop: Gone, removeUnknown: Removed,
}
