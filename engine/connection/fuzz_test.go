package connection

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
)

// FuzzParseRedirect reads what a person may paste: it never panics, and what it
// accepts has a code or an error.
func FuzzParseRedirect(f *testing.F) {
	for _, text := range []string{"http://localhost:8976/callback?code=c&state=s", "code=c", "?error=access_denied#x", "%zz", "a?b?code=1", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if answer, err := ParseRedirect(text); err == nil && answer.Get("code") == "" && answer.Get("error") == "" {
			t.Errorf("%q was accepted: %v", text, answer)
		}
	})
}

// FuzzEntry reads what may be in a vault's file once it is decrypted.
func FuzzEntry(f *testing.F) {
	entry := Entry{Connection: "crm", Token: Token{Access: "a", Refresh: "r", Expires: time.Unix(1e9, 0)},
		Settings: &Settings{Name: "crm", Credentials: map[string]string{"token": "t"}}, Broken: &Broken{Reason: "x"}}
	text, err := entry.marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"connection":"crm","expires":"soon"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := unmarshalEntry(text)
		if err != nil {
			return
		}
		again, err := e.marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := unmarshalEntry(again); err != nil {
			t.Errorf("%s does not come back: %v", again, err)
		}
	})
}

// FuzzTokenAnswer reads what a token endpoint may answer: a token, or an error
// of ours that shows no secret.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(200, `{"access_token":"a","refresh_token":"r","expires_in":3600,"scope":"x y","team":{"id":"T1"}}`)
	f.Add(200, `{"ok":false,"error":"bad_client_secret"}`)
	f.Add(400, `{"error":"invalid_grant","error_description":"the-client-secret is wrong"}`)
	f.Add(503, `<html>`)
	f.Add(200, `{"authed_user":{"access_token":1},"expires_in":"99999999999999999999"}`)
	var status int
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	app := &bindings.App{Name: "crm", Title: "CRM", Errors: bindings.Errors{OK: "ok", Message: []string{"message"}}}
	auth := &bindings.Auth{Name: "oauth", Fields: []string{"client_id", "client_secret"}, OAuth: &bindings.OAuth{
		TokenURL: server.URL, Rotates: true, Answer: bindings.Answer{Within: "authed_user", Account: "team.id", Parent: "company", Name: []string{"name"}}}}
	c := &Connection{app: app, state: &state{}, settings: Settings{Name: "crm", Credentials: map[string]string{"client_id": "id", "client_secret": "the-client-secret"}}}
	client := newTokenClient(c, auth, server.Client(), clock.System)
	f.Fuzz(func(t *testing.T, code int, text string) {
		if code < 200 || code > 599 || code == 204 || code == 304 {
			return
		}
		status, body = code, text
		grant, err := client.refresh(t.Context(), Token{Refresh: "the-refresh-token"})
		switch {
		case err == nil && grant.Access == "":
			t.Errorf("%d %s gave no token and no error", code, text)
		case err != nil && strings.Contains(err.Error(), "the-client-secret"):
			t.Errorf("%d %s: the error shows a secret: %v", code, text, err)
		}
	})
}
