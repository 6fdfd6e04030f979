package journal

import (
	"encoding/json"
	"time"
)

// Subscription is a webhook that is registered at a vendor, or is about to be:
// it is kept before the vendor is asked, so that a crash loses none. Its
// secret is kept elsewhere.
type Subscription struct {
	// Key names it in the address that the vendor sends to. It is not guessed
	// and never given again.
	Key string `json:"key"`
	// Connection, Name and Item say what it is for: highlevel/paris, the name
	// of the app's bindings.Subscription, and the item that one is registered
	// for each of, empty where there is one for a connection.
	Connection string            `json:"connection"`
	Name       string            `json:"name"`
	Item       string            `json:"item,omitempty"`
	State      SubscriptionState `json:"state"`
	// ID is the vendor's; of one that is not confirmed, ours, if we gave it one.
	ID      string   `json:"id,omitempty"`
	Address string   `json:"address"`
	Types   []string `json:"types,omitempty"`
	// Of is the item as the vendor described it, with what its list was made
	// for behind it. Kept is an object of what else its removal needs.
	Of   []json.RawMessage `json:"of,omitempty"`
	Kept json.RawMessage   `json:"kept,omitempty"`
	// Created is when the vendor was first asked, Renewed when it last agreed to
	// an end; Expires is that end, zero for one that has none.
	Created time.Time `json:"created"`
	Renewed time.Time `json:"renewed,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Problem says why the vendor last did not do what we asked, and Failures
	// how often in a row.
	Problem  string `json:"problem,omitempty"`
	Failures int    `json:"failures,omitempty"`
}

// SubscriptionState is how far a subscription is.
type SubscriptionState string

// The states of a subscription.
const (
	// SubscriptionPending: the vendor was or is being asked for it, and has not
	// been heard to agree.
	SubscriptionPending SubscriptionState = "pending"
	SubscriptionLive    SubscriptionState = "live"
	// SubscriptionReplaced: another took its place; it is to be removed.
	SubscriptionReplaced SubscriptionState = "replaced"
)
