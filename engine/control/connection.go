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

// Connections lists, tests and reloads the connections of an engine.
type Connections interface {
	Connections(ctx context.Context) ([]connection.Status, error)
	TestConnection(ctx context.Context, name string) (ConnectionTest, error)
	// ReadConnection calls what a connection may list, and compares the answers.
	ReadConnection(ctx context.Context, name string) (ReadReport, error)
	// ReloadConnections reads the changes of the vault. The key is the vault's
	// new one where the configuration has the old one, else empty. The result
	// is the connections that can be used now and could not before.
	ReloadConnections(ctx context.Context, key string) ([]string, error)
}

// ConnectionTest is the result of testing a connection. It contains no secret.
type ConnectionTest struct {
	connection.Status
	// Operation is the call that was made, Names are values of its answer that
	// a person recognises, such as that of the account.
	Operation string   `json:"operation,omitempty"`
	Names     []string `json:"names,omitempty"`
	// Untested is set if there is no call to test it with.
	Untested bool `json:"untested,omitempty"`
	// Problem is why the call did not succeed, empty if it did.
	Problem string `json:"problem,omitempty"`
	// Needs are the scopes that the present scripts need and what for. Lacks are
	// those of them that were not granted; none where it is not known which
	// ones were granted.
	Needs []Need `json:"needs,omitempty"`
	Lacks []Need `json:"lacks,omitempty"`
	// Unseen are places where a script calls operations of the app that are
	// found only at a run, so that their scopes are not in Needs.
	Unseen []string `json:"unseen,omitempty"`
}

// Need is a scope, or several of which one is enough, and what needs it.
type Need struct {
	Scopes []string `json:"scopes"`
	For    []string `json:"for"` // "contacts.upsert at crm.lua:12"
}

// reload is the body of the request of ReloadConnections.
type reload struct {
	Key string `json:"key,omitempty"`
}

func (s *Server) connectionRoutes(mux *http.ServeMux) {
	c := s.config.Connections
	mux.HandleFunc("GET /connections", respond(func(r *http.Request) (any, error) { return c.Connections(r.Context()) }))
	mux.HandleFunc("POST /connections/test/{name...}", respond(func(r *http.Request) (any, error) {
		return c.TestConnection(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("POST /connections/read/{name...}", respond(func(r *http.Request) (any, error) {
		return c.ReadConnection(r.Context(), r.PathValue("name"))
	}))
	mux.HandleFunc("POST /connections/reload", respond(func(r *http.Request) (any, error) {
		var order reload
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxMessage)).Decode(&order); err != nil {
			return nil, &bindings.Error{Kind: bindings.Invalid, Message: "the command is not JSON"}
		}
		return c.ReloadConnections(r.Context(), order.Key)
	}))
}

var _ Connections = (*Client)(nil)

// Connections returns the status of all connections.
func (c *Client) Connections(ctx context.Context) (all []connection.Status, err error) {
	return all, c.get(ctx, "/connections", nil, &all)
}

// TestConnection makes one harmless call on a connection.
func (c *Client) TestConnection(ctx context.Context, name string) (t ConnectionTest, err error) {
	return t, c.do(ctx, http.MethodPost, "/connections/test/"+(&url.URL{Path: name}).EscapedPath(), bytes.NewReader([]byte("{}")), &t)
}

// ReadConnection calls what a connection may list, and compares the answers. It
// can last minutes.
func (c *Client) ReadConnection(ctx context.Context, name string) (r ReadReport, err error) {
	return r, c.do(ctx, http.MethodPost, "/connections/read/"+(&url.URL{Path: name}).EscapedPath(), bytes.NewReader([]byte("{}")), &r)
}

// ReloadConnections implements Connections.
func (c *Client) ReloadConnections(ctx context.Context, key string) (usable []string, err error) {
	body, err := json.Marshal(reload{key})
	if err != nil {
		return nil, fmt.Errorf("write the command: %w", err)
	}
	return usable, c.do(ctx, http.MethodPost, "/connections/reload", bytes.NewReader(body), &usable)
}
