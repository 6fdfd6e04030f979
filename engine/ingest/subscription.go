package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
)

// Subscriptions are the webhooks that we registered at vendors. A method that
// is told something returns at once and does what follows by itself; what it
// is told may be lost in a crash, so that it must be found out anew at start.
type Subscriptions interface {
	// Find gives the subscription of a key and its secret, which is empty as
	// long as there is none. journal.ErrNotFound says that the key is not ours
	// or no longer.
	Find(key string) (journal.Subscription, string, error)
	// Confirm keeps the secret that the vendor chose. It returns when that is
	// durable, and fails where none is waited for.
	Confirm(ctx context.Context, key, secret string) error
	// Nudge says that there is something new to be asked for. Without a key it
	// came to no subscription of ours.
	Nudge(connection, key string)
	// Lost says that webhooks were lost, or that the subscription ended.
	Lost(connection, key string)
	// Expiring says that the vendor wants the subscription to be renewed.
	Expiring(connection, key string)
}

// nobody has no subscriptions.
type nobody struct{}

func (nobody) Find(string) (journal.Subscription, string, error) {
	return journal.Subscription{}, "", journal.ErrNotFound
}
func (nobody) Confirm(context.Context, string, string) error { return journal.ErrNotFound }
func (nobody) Nudge(string, string)                          {}
func (nobody) Lost(string, string)                           {}
func (nobody) Expiring(string, string)                       {}

// registered is the subscription that a webhook came by; nil is none of ours.
type registered struct {
	journal.Subscription
	def    *bindings.Subscription
	secret string
}

func (r *registered) key() string {
	if r == nil {
		return ""
	}
	return r.Key
}

// add gives an event the fields that the vendor leaves out.
func (r *registered) add(data json.RawMessage) json.RawMessage {
	if r == nil || len(r.def.Adds) == 0 {
		return data
	}
	fields := map[string]json.RawMessage{}
	for name, path := range r.def.Adds {
		at := 0
		for strings.HasPrefix(path, "of.") {
			path, at = strings.TrimPrefix(path, "of."), at+1
		}
		if at < len(r.Of) {
			if value, found := jsonpath.Lookup(r.Of[at], path); found {
				fields[name] = value
			}
		}
	}
	return withFields(data, fields)
}

// keyParam is the parameter of an address that names a subscription.
const keyParam = "subscription"

// subscription finds the one that the address names, nil if it names none.
func (s *Server) subscription(src *source, m *message) (*registered, *refusal) {
	query := m.URL.Query()
	if !query.Has(keyParam) {
		return nil, nil
	}
	found, secret, err := s.Subscriptions.Find(query.Get(keyParam))
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		no := m.again("subscription", "the subscription cannot be looked up")
		no.cause = err
		return nil, &no
	}
	path := src.app.Name
	if name := m.PathValue("name"); name != "" {
		path += "/" + name
	}
	def, known := src.app.Subscription(found.Name)
	if err != nil || found.Connection != path || !known {
		status := http.StatusNotFound
		if src.app.Webhook.GoneStatus != 0 {
			status = src.app.Webhook.GoneStatus
		}
		return nil, &refusal{status: status, reason: "subscription", text: "there is no such subscription, or no longer"}
	}
	return &registered{found, def, secret}, nil
}

func (s *Server) ofSubscription(sub *registered) (*connection.Connection, *refusal) {
	if c, found := s.Connections.Get(sub.Connection); found {
		return c, nil
	}
	return nil, &refusal{status: http.StatusNotFound, reason: "connection", text: fmt.Sprintf("there is no connection %q", sub.Connection)}
}

// maxConfirm bounds what is sent back, in bytes.
const maxConfirm = 4096

// confirm answers the vendor's check of an address that is not made in a body.
func (s *Server) confirm(src *source, sub *registered, m *message) (v verdict, done bool, no *refusal) {
	confirm := src.app.Webhook.Handshake
	if confirm == nil {
		return v, false, nil
	}
	v.outcome = "confirmed"
	if query := m.URL.Query(); confirm.Query != "" && query.Has(confirm.Query) {
		token := query.Get(confirm.Query)
		if sub == nil && len(s.Connections.OfApp(src.app.Name)) == 0 {
			return v, true, &refusal{status: http.StatusNotFound, reason: "connection", text: "there is no connection of " + src.app.Name}
		}
		if token == "" || len(token) > maxConfirm {
			return v, true, &refusal{status: http.StatusBadRequest, reason: "confirm",
				text: fmt.Sprintf("expected %s with at most %d bytes", confirm.Query, maxConfirm)}
		}
		v.echo = []byte(token)
		return v, true, nil
	}
	secret := m.Header.Get(confirm.Header)
	if confirm.Header == "" || secret == "" {
		return v, false, nil
	}
	if sub == nil || len(secret) > maxConfirm {
		return v, true, &refusal{status: http.StatusBadRequest, reason: "confirm",
			text: "nothing here waits to be confirmed; the address needs ?" + keyParam + "="}
	}
	if err := s.Subscriptions.Confirm(m.Context(), sub.Key, secret); err != nil {
		return v, true, &refusal{status: http.StatusForbidden, reason: "confirm", text: "this subscription does not wait to be confirmed", cause: err}
	}
	v.header = http.Header{http.CanonicalHeaderKey(confirm.Header): {secret}}
	return v, true, nil
}
