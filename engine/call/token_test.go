package call_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

// bank accepts one access token at a time, and issues the next for each refresh.
type bank struct {
	mu          sync.Mutex
	good, given int
	refreshes   int
	down        int // token requests to refuse
	// expired is the answer to an expired token; nil: 401.
	expired func(http.ResponseWriter)
	scope   string // of the tokens that it issues
	calls   int
}

func (b *bank) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.URL.Path == "/token" && b.down > 0:
		b.down--
		reply(503, `{}`)(w)
	case r.URL.Path == "/token":
		b.refreshes++
		b.given++
		b.good = b.given
		reply(200, fmt.Sprintf(`{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":3600,"token_type":"Bearer","scope":%q}`, b.given, b.given, b.scope))(w)
	case r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", b.good) && b.expired != nil:
		b.expired(w)
	case r.Header.Get("Authorization") != fmt.Sprintf("Bearer access-%d", b.good):
		reply(401, `{"message":"token is over"}`)(w)
	default:
		b.calls++
		reply(200, `{"paid":true}`)(w)
	}
}

// client makes a client of a bank whose tokens rotate.
func (b *bank) client(t testing.TB) *setup {
	t.Helper()
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	s := &setup{app: app(t, server.URL), clock: newClock(clock.System.Now())}
	s.app.Auth = []bindings.Auth{{Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization",
		Format: "Bearer {access_token}", OAuth: &bindings.OAuth{TokenURL: server.URL + "/token", Rotates: true}}}
	tokens := call.NewTokenHTTPClient(nil)
	t.Cleanup(tokens.CloseIdleConnections)
	set, err := connection.New(connection.Config{
		Apps: []*bindings.App{s.app}, Folder: t.TempDir(), HTTP: tokens,
		Settings: []connection.Settings{{Name: "crm/paris", Credentials: map[string]string{
			"client_id": "id", "client_secret": "secret", "refresh_token": "refresh-0"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	s.Client = call.New(call.Config{Connections: set, Clock: s.clock})
	t.Cleanup(s.Close)
	return s
}

// A token that the vendor no longer accepts is renewed once, and the request is
// sent again: it was not done.
func TestTokenIsOver(t *testing.T) {
	b := &bank{}
	s := b.client(t)
	for i, want := range []int{1, 2, 1} {
		answer, err := s.do(t, unsafe, args[unsafe])
		if err != nil || string(answer.Body) != `{"paid":true}` || answer.Sendings != want {
			t.Fatalf("call %d: got %+v, %v, want %d sendings", i, answer, err, want)
		}
		if i == 0 {
			b.good = -1 // revoked
		}
	}
	if got := fmt.Sprint(s.begun); got != "[begin begin withdraw begin begin]" || b.refreshes != 2 {
		t.Errorf("begun record %s, %d refreshes", got, b.refreshes)
	}
}

func TestTokenIsOverForMany(t *testing.T) {
	b := &bank{}
	s := b.client(t)
	if _, err := s.do(t, safe, `{}`); err != nil {
		t.Fatal(err)
	}
	b.good = -1
	var all sync.WaitGroup
	for range 30 {
		all.Go(func() {
			r := call.Request{App: s.app, Operation: s.op(t, unsafe), Connection: "crm/paris", Args: json.RawMessage(`{"a":1}`)}
			if _, err := s.Do(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if b.refreshes != 2 {
		t.Errorf("%d refreshes, want 2", b.refreshes)
	}
}

func TestTokenEndpointDown(t *testing.T) {
	b := &bank{down: 2}
	s := b.client(t)
	if _, err := s.do(t, unsafe, args[unsafe]); err != nil {
		t.Fatal(err)
	}
	if len(s.clock.waits) != 2 || fmt.Sprint(s.begun) != "[begin]" {
		t.Errorf("waited %v, begun record %v, want two waits before the one begin", s.clock.waits, s.begun)
	}
	b = &bank{down: 99}
	_, err := b.client(t).do(t, unsafe, args[unsafe])
	e := wantKind(t, err, bindings.Unavailable, true, "no token at the moment")
	if e.Operation != unsafe || e.Connection != "crm/paris" {
		t.Errorf("got %+v", e)
	}
}

// The scopes of the token are checked before a call is sent, also before the
// first.
func TestGrantedScopes(t *testing.T) {
	b := &bank{scope: "contacts.readonly tags.write"}
	s := b.client(t)
	_, err := s.do(t, "contacts.create", `{"name":"x"}`)
	wantKind(t, err, bindings.Forbidden, false, `connection "crm/paris" lacks the scope contacts.write; it was not sent`)
	if b.calls != 0 || len(s.begun) > 0 {
		t.Errorf("%d calls were sent, begun record %v", b.calls, s.begun)
	}
	if _, err := s.do(t, "contacts.get", `{"contactId":"1"}`); err != nil {
		t.Error(err)
	}
}
