package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// SyncOrder says which webhooks are to be registered and removed at vendors.
type SyncOrder struct {
	Connections []string `json:"connections,omitempty"` // none: all
	Dry         bool     `json:"dry,omitempty"`         // say what would be done
}

// Webhook says what was done about one webhook.
type Webhook struct {
	Connection   string    `json:"connection"`
	Subscription string    `json:"subscription,omitempty"`
	Item         string    `json:"item,omitempty"`
	Action       string    `json:"action"` // created, kept, updated, renewed, …, failed, skipped, by hand
	Types        []string  `json:"types,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	Text         string    `json:"text,omitempty"`  // why, or what went wrong
	URL          string    `json:"url,omitempty"`   // by hand: where the vendor is to send
	Steps        []string  `json:"steps,omitempty"` // by hand: what to do at the vendor
}

func (s *Server) syncWebhooks(r *http.Request) (any, error) {
	var o SyncOrder
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&o); err != nil {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON: " + err.Error()}
	}
	return s.Commands.SyncWebhooks(r.Context(), o)
}

// SyncWebhooks has webhooks registered and removed at vendors.
func (c *Client) SyncWebhooks(ctx context.Context, o SyncOrder) (done []Webhook, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write the command: %w", err)
	}
	return done, c.do(ctx, http.MethodPost, "/webhooks/sync", bytes.NewReader(body), &done)
}
