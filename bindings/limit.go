package bindings

import (
	"fmt"
	"strings"
	"time"
)

// Limit is a rate limit of the vendor.
type Limit struct {
	// Name is what Operation.Limit refers to. A limit without a name holds for
	// all operations.
	Name     string
	Requests int
	Per      time.Duration
	// Scope is what the requests are counted by.
	Scope LimitScope
}

// String describes the limit: "5 in 1s, per connection", with its name before it
// if it has one.
func (l Limit) String() string {
	text := fmt.Sprintf("%d in %s, per %s", l.Requests, shortText(l.Per), l.Scope)
	if l.Name != "" {
		text = l.Name + ": " + text
	}
	return text
}

// shortText is a duration without zero units: "1m" and not "1m0s".
func shortText(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// LimitScope is what the requests of a rate limit are counted by.
type LimitScope string

// The scopes of a rate limit.
const (
	PerConnection LimitScope = "connection" // one account of one installation of the app
	PerOperation  LimitScope = "operation"  // one operation on one connection
	PerHost       LimitScope = "host"       // everything this machine sends to the app
)
