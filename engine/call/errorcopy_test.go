package call_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// A recorder may return the same error to every call: a call returns a changed
// copy of it.
func TestRecorderErrorIsNotChanged(t *testing.T) {
	for name, do := range map[string]func(*setup, call.BegunRecorder) error{
		"Do": func(s *setup, recorder call.BegunRecorder) error {
			r := s.request(t, unsafe, args[unsafe])
			r.Secrets, r.BegunRecorder = []string{"pass-word"}, recorder
			_, err := s.Do(t.Context(), r)
			return err
		},
		"HTTP": func(s *setup, recorder call.BegunRecorder) error {
			_, err := s.HTTP(t.Context(), call.HTTPRequest{Method: "POST", URL: s.app.BaseURL, Secrets: []string{"pass-word"}, BegunRecorder: recorder})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, answers(reply(200, `{}`)), func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.AllowHosts = []string{"127.0.0.1"} })
			const message, body = "no room for pass-word", `{"for":"pass-word"}`
			shared := &bindings.Error{Kind: bindings.Unavailable, Message: message, Body: json.RawMessage(body)}
			for range 2 {
				err := do(s, call.BegunRecorder{Begin: func(context.Context, json.RawMessage) error { return shared }})
				e := wantKind(t, err, bindings.Unavailable, false, "no room for [secret]")
				if strings.Contains(e.Message+string(e.Body), "pass-word") {
					t.Errorf("a secret shows in %v and %s", e, e.Body)
				}
			}
			if shared.Message != message || string(shared.Body) != body {
				t.Errorf("the recorder's error was changed: %v, %s", shared, shared.Body)
			}
		})
	}
}

// The problem of a connection is the same for all its calls: one that a call
// returned has the name of its operation, and no other has.
func TestProblemOfConnectionIsNotChanged(t *testing.T) {
	s := start(t, answers(reply(401, `{"message":"the key was revoked"}`)), tested)
	for _, operation := range []string{unsafe, unsafe, safe} { // the first breaks the connection
		_, err := s.do(t, operation, args[operation])
		if e := wantKind(t, err, bindings.BrokenConnection, false, "the key was revoked"); e.Operation != operation {
			t.Errorf("%s returned the error of %q", operation, e.Operation)
		}
	}
	_, err := s.Identify(t.Context(), "crm/paris")
	if e := wantKind(t, err, bindings.BrokenConnection, false, "the key was revoked"); e.Operation != "" {
		t.Errorf("the problem of the connection got the operation %q of a call", e.Operation)
	}
}
