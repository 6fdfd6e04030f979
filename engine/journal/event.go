package journal

import (
	"encoding/json"
	"time"
)

// Event is one thing that happened. It is stored before it is acknowledged and
// never changes.
type Event struct {
	// ID identifies the event: a second event with the same ID is a duplicate. It
	// begins with the event's origin: "qonto:…", "schedule:…", "emit:…".
	ID string `json:"id"`
	// Type is the trigger's name: qonto.client.created, in:/orders, emit:deal.won.
	Type string `json:"type"`
	// Connection is the one it was received through ("highlevel/paris"); empty if
	// there is none.
	Connection string          `json:"connection,omitempty"`
	Account    string          `json:"account,omitempty"`
	Time       time.Time       `json:"time"` // when it happened, by the vendor's clock
	Data       json.RawMessage `json:"data"`
	Source     Source          `json:"source"`
	Echo       bool            `json:"echo,omitempty"` // caused by a call of ours
	// Record is the value of the trigger's record path, part of the default lane.
	Record string `json:"record,omitempty"`
	// Received is when it was received; where it is zero, the store sets the time
	// of acceptance. Times are stored in UTC, to the microsecond.
	Received time.Time `json:"received"`
	// Request is the request to a script's own address; nil for other events.
	Request *Request `json:"request,omitempty"`
}

// Source is how an event was received or made.
type Source string

// The sources of events.
const (
	Webhook   Source = "webhook"
	Poll      Source = "poll"
	Reconcile Source = "reconcile"
	Schedule  Source = "schedule"
	Emit      Source = "emit"
	Manual    Source = "hand"
	Engine    Source = "engine"
)
