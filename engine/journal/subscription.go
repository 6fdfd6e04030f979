package journal

import (
	"encoding/json"
	"errors"
	"time"
)

// Subscription is a webhook that is registered at a vendor, or is about to be:
// it is stored before the vendor is asked, so that a crash loses none. Its
// secret is not part of it.
type Subscription struct {
	// Key identifies it in the address that the vendor sends to. It cannot be
	// guessed and is never used again.
	Key string `json:"key"`
	// Connection, Name and Item are what it is registered for: highlevel/paris,
	// the name of the app's bindings.Subscription, and the item, if there is one
	// subscription for each item; empty if there is one for a connection.
	Connection string            `json:"connection"`
	Name       string            `json:"name"`
	Item       string            `json:"item,omitempty"`
	State      SubscriptionState `json:"state"`
	// ID is the vendor's. Before the vendor has confirmed it is ours, if the
	// request to register contains an id, and else empty.
	ID      string   `json:"id,omitempty"`
	Address string   `json:"address"`
	Types   []string `json:"types,omitempty"`
	// Of is the item as the vendor lists it, followed by the items that its list
	// was requested for. RemovalData is an object with what else its removal
	// needs.
	Of          []json.RawMessage `json:"of,omitempty"`
	RemovalData json.RawMessage   `json:"kept,omitempty"`
	// Created is when the vendor was first asked, Renewed when it last confirmed
	// an end; Expires is that end, zero for one that has none.
	Created time.Time `json:"created"`
	Renewed time.Time `json:"renewed,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
	// Problem is why the vendor's last answer was an error, and Failures how often
	// that happened in a row.
	Problem  string `json:"problem,omitempty"`
	Failures int    `json:"failures,omitempty"`
}

// ErrNotAwaited refuses a secret of a subscription that waits for none. It comes
// wrapped.
var ErrNotAwaited = errors.New("no secret of the vendor's is waited for")

// SubscriptionState is the state of a subscription.
type SubscriptionState string

// The states of a subscription.
const (
	// SubscriptionPending: the vendor was or is being asked for it, and its
	// confirmation was not received.
	SubscriptionPending SubscriptionState = "pending"
	SubscriptionLive    SubscriptionState = "live"
	// SubscriptionReplaced: there is a newer one in its place; it is to be removed.
	SubscriptionReplaced SubscriptionState = "replaced"
)
