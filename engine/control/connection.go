package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// Connections are what a person can ask about the connections of an engine.
type Connections interface {
	Connections(ctx context.Context) ([]connection.Status, error)
	TestConnection(ctx context.Context, name string) (ConnectionTest, error)
	// ReloadConnections takes up what changed in the vault; key is the vault's
	// new one where the configuration held the old one, else empty. It gives
	// the connections that can be used now and could not before.
	ReloadConnections(ctx context.Context, key string) ([]string, error)
}

// ConnectionTest is what a test of a connection showed. It holds no secret.
type ConnectionTest struct {
	connection.Status
	// Operation is the call that was made, Names what the vendor said.
	Operation string   `json:"operation,omitempty"`
	Names     []string `json:"names,omitempty"`
	// Untested says that there is no call to test it with.
	Untested bool `json:"untested,omitempty"`
	// Problem is why the call did not succeed, empty if it did.
	Problem string `json:"problem,omitempty"`
	// Needs are the scopes that the scripts present need and what for, Lacks
	// those of them that were not granted; nothing lacks where the granted ones
	// are not known.
	Needs []Need `json:"needs,omitempty"`
	Lacks []Need `json:"lacks,omitempty"`
	// Unseen are places where a script uses the app in a way that shows only
	// at a run.
	Unseen []string `json:"unseen,omitempty"`
}

// Need is a scope, or several one of which is enough, and what needs it.
type Need struct {
	Scopes []string `json:"scopes"`
	For    []string `json:"for"` // "contacts.upsert at crm.lua:12"
}

// reload is what ReloadConnections sends.
type reload struct {
	Key string `json:"key,omitempty"`
}

func (s *Server) connectionRoutes(mux *http.ServeMux) {
	c := s.Connections
	mux.HandleFunc("GET /connections", answer(func(r *http.Request) (any, error) { return c.Connections(r.Context()) }))
	mux.HandleFunc("POST /connections/test/{name...}", answer(func(r *http.Request) (any, error) {
		return c.TestConnection(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("POST /connections/reload", answer(func(r *http.Request) (any, error) {
		var order reload
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&order); err != nil {
			return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON"}
		}
		return c.ReloadConnections(r.Context(), order.Key)
	}))
}

// The client's side; a Client is a Connections.
var _ Connections = (*Client)(nil)

// Connections lists how all connections stand.
func (c *Client) Connections(ctx context.Context) (all []connection.Status, err error) {
	return all, c.get(ctx, "/connections", nil, &all)
}

// TestConnection makes one harmless call on a connection.
func (c *Client) TestConnection(ctx context.Context, name string) (t ConnectionTest, err error) {
	return t, c.do(ctx, http.MethodPost, "/connections/test/"+(&url.URL{Path: name}).EscapedPath(), bytes.NewReader([]byte("{}")), &t)
}

// ReloadConnections has the engine take up what changed in the vault.
func (c *Client) ReloadConnections(ctx context.Context, key string) (mended []string, err error) {
	body, err := json.Marshal(reload{key})
	if err != nil {
		return nil, fmt.Errorf("write the command: %w", err)
	}
	return mended, c.do(ctx, http.MethodPost, "/connections/reload", bytes.NewReader(body), &mended)
}
