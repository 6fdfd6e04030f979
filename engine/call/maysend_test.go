package call_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestNothingMayBeSent makes calls of each kind while nothing may be sent. No request
// reaches the vendor, nothing is recorded as begun, and the error is the reason, which
// no script can catch.
func TestNothingMayBeSent(t *testing.T) {
	reason := errors.New("the journal is gone")
	refused := false
	var requests atomic.Int32
	vendor := func(w http.ResponseWriter, _ *http.Request) {
		requests.Add(1)
		reply(200, `{}`)(w)
	}
	s := start(t, vendor, func(c *call.Config, _ *connection.Settings, _ *bindings.App) {
		c.AllowHosts = []string{"127.0.0.1"}
		c.MaySend = func() error {
			if refused {
				return reason
			}
			return nil
		}
	})
	raw := func() error {
		_, err := s.Raw(t.Context(), call.RawRequest{App: s.app, Connection: "crm/paris", Path: "/x", BegunRecorder: s.recorder()})
		return err
	}
	do := func(name, args string) func() error {
		return func() error {
			_, err := s.do(t, name, args)
			return err
		}
	}
	web := func(method string) func() error {
		return func() error {
			_, err := s.http(t, `{"method":"`+method+`","url":"`+s.app.BaseURL+`/x"}`)
			return err
		}
	}
	list := func() error {
		_, err := s.List(t.Context(), call.BackgroundCall{App: s.app, Connection: "crm/paris", Call: bindings.Call{Operation: "ping.now"},
			Vars: func(string) (any, bool) { return nil, false }}, nil)
		return err
	}
	identify := func() error {
		_, err := s.Identify(t.Context(), "crm/paris")
		return err
	}
	s.app.Test = &bindings.Test{Operation: "ping.now"}
	for name, make := range map[string]func() error{
		"a read": do("ping.now", `{}`), "a change": do(unsafe, args[unsafe]), "raw": raw, "http.get": web("GET"), "http.post": web("POST"), "identify": identify,
	} {
		s.begun = nil
		requests.Store(0)
		if refused = false; make() != nil || requests.Load() != 1 {
			t.Errorf("%s: while it may be sent: %d requests, %v", name, requests.Load(), make())
		}
		s.begun = nil
		requests.Store(0)
		refused = true
		err := make()
		var caught *bindings.Error
		if !errors.Is(err, reason) || errors.As(err, &caught) || requests.Load() != 0 || len(s.begun) > 0 {
			t.Errorf("%s: found %v, %d requests, begun record %v; expected none and %v", name, err, requests.Load(), s.begun, reason)
		}
	}
	if err := list(); !errors.Is(err, reason) {
		t.Errorf("a list: found %v, expected %v", err, reason)
	}
}

// TestTokenMayNotBeRequested: a token request is a sending too.
func TestTokenMayNotBeRequested(t *testing.T) {
	reason := errors.New("the journal is gone")
	client := call.NewTokenHTTPClient(func() error { return reason })
	defer client.CloseIdleConnections()
	if _, err := client.Post("http://127.0.0.1:1/token", "application/json", strings.NewReader(`{}`)); !errors.Is(err, reason) {
		t.Errorf("found %v, expected %v", err, reason)
	}
}
