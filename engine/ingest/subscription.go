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

// Subscriptions are the webhooks that we registered at vendors. PollSoon, Lost and
// Expiring return at once, and their work is done later. Such a call may be
// lost in a crash, so that the implementation checks at its start what has
// changed.
type Subscriptions interface {
	// Find returns the subscription of a key and its secret, which is empty as
	// long as there is none. It returns journal.ErrNotFound for a key that is
	// not ours, or no longer.
	Find(key string) (journal.Subscription, string, error)
	// Confirm stores the secret that the vendor chose, and returns when that is
	// durable. The error is journal.ErrNotAwaited if the subscription does not wait for
	// one.
	Confirm(ctx context.Context, key, secret string) error
	// PollSoon is called when the vendor has something new, which is read by a
	// poll. The key is empty if the webhook was of no subscription of ours.
	PollSoon(connection, key string)
	// Lost is called when webhooks were lost, or the subscription ended.
	Lost(connection, key string)
	// Expiring is called when the vendor asks for the subscription to be renewed.
	Expiring(connection, key string)
}

// noSubscriptions implements Subscriptions without any.
type noSubscriptions struct{}

func (noSubscriptions) Find(string) (journal.Subscription, string, error) {
	return journal.Subscription{}, "", journal.ErrNotFound
}
func (noSubscriptions) Confirm(context.Context, string, string) error { return journal.ErrNotFound }
func (noSubscriptions) PollSoon(string, string)                       {}
func (noSubscriptions) Lost(string, string)                           {}
func (noSubscriptions) Expiring(string, string)                       {}

// registered is the subscription that a webhook belongs to; nil is none of ours.
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

// addFields adds to an event the fields of the subscription's item that the
// vendor leaves out.
func (r *registered) addFields(data json.RawMessage) json.RawMessage {
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

// keyParam is the query parameter with the key of a subscription.
const keyParam = "subscription"

// subscription returns the one that the address names, nil if it names none.
func (s *Server) subscription(src *source, m *message) (*registered, *refusal) {
	query := m.URL.Query()
	if !query.Has(keyParam) {
		return nil, nil
	}
	found, secret, err := s.config.Subscriptions.Find(query.Get(keyParam))
	if err != nil && !errors.Is(err, journal.ErrNotFound) {
		refused := m.retryLater("subscription", "the subscription cannot be looked up")
		refused.cause = err
		return nil, &refused
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

// ofSubscription returns the connection of a subscription.
func (s *Server) ofSubscription(sub *registered) (*connection.Connection, *refusal) {
	if c, found := s.config.Connections.Get(sub.Connection); found {
		return c, nil
	}
	return nil, &refusal{status: http.StatusNotFound, reason: "connection", text: fmt.Sprintf("there is no connection %q", sub.Connection)}
}

// maxConfirm bounds the token that is sent back, in bytes.
const maxConfirm = 4096

// confirm answers the vendor's check of an address that is made by query or
// header. It reports with done whether the request was such a check.
func (s *Server) confirm(src *source, sub *registered, m *message) (v result, done bool, refused *refusal) {
	handshake := src.app.Webhook.Handshake
	if handshake == nil {
		return v, false, nil
	}
	v.countAs = "confirmed"
	if query := m.URL.Query(); handshake.Query != "" && query.Has(handshake.Query) {
		token := query.Get(handshake.Query)
		if token == "" || len(token) > maxConfirm {
			return v, true, &refusal{status: http.StatusBadRequest, reason: "confirm",
				text: fmt.Sprintf("expected %s with at most %d bytes", handshake.Query, maxConfirm)}
		}
		v.body = []byte(token)
		return v, true, nil
	}
	secret := m.Header.Get(handshake.Header)
	if handshake.Header == "" || secret == "" {
		return v, false, nil
	}
	if sub == nil || len(secret) > maxConfirm {
		return v, true, &refusal{status: http.StatusBadRequest, reason: "confirm",
			text: "nothing here waits to be confirmed; the address needs ?" + keyParam + "="}
	}
	switch err := s.config.Subscriptions.Confirm(m.Context(), sub.Key, secret); {
	case errors.Is(err, journal.ErrNotAwaited), errors.Is(err, journal.ErrNotFound):
		return v, true, &refusal{status: http.StatusForbidden, reason: "confirm", text: "this subscription does not wait to be confirmed", cause: err}
	case err != nil:
		refused := m.retryLater("store", "the secret could not be stored")
		refused.cause = err
		return v, true, &refused
	}
	v.header = http.Header{http.CanonicalHeaderKey(handshake.Header): {secret}}
	return v, true, nil
}
