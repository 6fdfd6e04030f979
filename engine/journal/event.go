package journal

import (
	"encoding/json"
	"time"
)

// Event is one thing that happened. It is kept before it is acknowledged and
// never changes.
type Event struct {
	// ID tells repeats apart: two events with one ID are one event. It begins
	// with where it comes from: "qonto:…", "schedule:…", "emit:…".
	ID string `json:"id"`
	// Type is the trigger's name: qonto.client.created, in:/orders, emit:deal.won.
	Type string `json:"type"`
	// Connection is the one it came by ("highlevel/paris"); empty where there is none.
	Connection string          `json:"connection,omitempty"`
	Account    string          `json:"account,omitempty"`
	Time       time.Time       `json:"time"` // when it happened, as the vendor says
	Data       json.RawMessage `json:"data"`
	Source     Source          `json:"source"`
	Echo       bool            `json:"echo,omitempty"` // caused by a call of ours
	// Record is the value of the trigger's record path, part of the default lane.
	Record string `json:"record,omitempty"`
	// Received is when it came in; where it is zero, the store says when it was
	// accepted. Times are kept to the microsecond, in UTC.
	Received time.Time `json:"received"`
}

// Source says how an event came in.
type Source string

// The ways in.
const (
	Webhook   Source = "webhook"
	Poll      Source = "poll"
	Reconcile Source = "reconcile"
	Schedule  Source = "schedule"
	Emit      Source = "emit"
	Hand      Source = "hand"
	Engine    Source = "engine"
)
