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

// SyncOptions selects the connections whose webhooks are registered and removed at
// vendors.
type SyncOptions struct {
	Connections []string `json:"connections,omitempty"` // none: all
	Dry         bool     `json:"dry,omitempty"`         // only report what would be done
}

// Webhook is what SyncWebhooks did about one webhook.
type Webhook struct {
	Connection   string    `json:"connection"`
	Subscription string    `json:"subscription,omitempty"`
	Item         string    `json:"item,omitempty"`
	Action       string    `json:"action"` // created, kept, updated, renewed, …, failed, skipped, by hand
	Types        []string  `json:"types,omitempty"`
	Expires      time.Time `json:"expires,omitzero"`
	Text         string    `json:"text,omitempty"`  // why, or what went wrong
	URL          string    `json:"url,omitempty"`   // by hand: the address to enter at the vendor
	Steps        []string  `json:"steps,omitempty"` // by hand: what to do at the vendor
}

func (s *Server) syncWebhooks(r *http.Request) (any, error) {
	var o SyncOptions
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&o); err != nil {
		return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON: " + err.Error()}
	}
	return s.config.Commands.SyncWebhooks(r.Context(), o)
}

// SyncWebhooks registers and removes webhooks at vendors.
func (c *Client) SyncWebhooks(ctx context.Context, o SyncOptions) (done []Webhook, err error) {
	body, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write the command: %w", err)
	}
	return done, c.do(ctx, http.MethodPost, "/webhooks/sync", bytes.NewReader(body), &done)
}
