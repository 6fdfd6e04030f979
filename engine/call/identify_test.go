package call_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// tested adds to the app a call that reports the account of a connection.
func tested(_ *call.Config, _ *connection.Settings, app *bindings.App) {
	app.Title = "CRM"
	app.Test = &bindings.Test{Operation: "contacts.get", Args: map[string]string{"contactId": "{account}"}, Account: "id", Name: []string{"owner.name", "email"}, Scopes: "X-Scopes"}
}

func TestIdentify(t *testing.T) {
	var asked string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		reply(200, `{"id":"loc1","owner":{"name":"Acme"}}`, "X-Scopes", "contacts.readonly, contacts.write")(w)
	}, tested)
	who, err := s.Identify(t.Context(), "crm/paris")
	if err != nil || asked != "/contacts/loc1" {
		t.Fatalf("asked for %q: %v", asked, err)
	}
	if got := fmt.Sprintf("%s %v %v", who.Account, who.Names, who.Scopes); got != "loc1 [Acme] [contacts.readonly contacts.write]" {
		t.Errorf("got %s", got)
	}
}

// TestIdentifyWithOneScope: the call that the app prefers is not the only one. A
// connection whose scopes do not allow it is tested by the first that they allow.
func TestIdentifyWithOneScope(t *testing.T) {
	for _, test := range []struct{ scope, asked, err string }{
		{"contacts.readonly", "/contacts/loc1", ""},
		{"ping.readonly", "/ping", ""},
		{"none.readonly", "", call.ErrNoTest.Error()},
	} {
		t.Run(test.scope, func(t *testing.T) {
			asked := ""
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				asked = r.URL.Path
				reply(200, `{"id":"loc1"}`)(w)
			}, func(c *call.Config, settings *connection.Settings, app *bindings.App) {
				tested(c, settings, app)
				settings.Scopes = []string{test.scope}
				app.Test.Others = []string{"contacts.list", "ping.now"}
				for name, scope := range map[string]string{"contacts.get": "contacts.readonly", "contacts.list": "lists.readonly", "ping.now": "ping.readonly"} {
					op, _ := app.Operation(name)
					op.Scopes = []string{scope}
				}
			})
			who, err := s.Identify(t.Context(), "crm/paris")
			if (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
				t.Fatalf("got the error %v, want %q", err, test.err)
			}
			if asked != test.asked {
				t.Errorf("asked for %q, want %q", asked, test.asked)
			}
			if err == nil && who.Operation == "" {
				t.Error("the operation is not named")
			}
		})
	}
}

// TestIdentifyFindsTheAccount: a connection without an account has the one that the
// vendor reports, in the answer to the call or to the request for a token.
func TestIdentifyFindsTheAccount(t *testing.T) {
	for _, test := range []struct {
		name, token string // the vendor's answer to the request for a token
		change      func(*connection.Settings, *bindings.App)
		want, err   string
	}{
		{"by the call", "", func(_ *connection.Settings, app *bindings.App) { app.Test.Args["contactId"] = "me" }, "loc1", ""},
		{"the call needs it", "", nil, "", "its location is not known, and contacts.get asks for it; set account"},
		{"by the token", `{"access_token":"access-1","locationId":"loc1","companyId":"comp1"}`, nil, "loc1", ""},
		{"a token of its company", `{"access_token":"access-1","companyId":"comp1"}`, nil, "", "its location is not known"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/oauth/token" {
					reply(200, test.token, "Content-Type", "application/json")(w)
					return
				}
				reply(200, `{"id":"loc1"}`)(w)
			}, func(c *call.Config, settings *connection.Settings, app *bindings.App) {
				tested(c, settings, app)
				settings.Account = ""
				if test.token != "" {
					app.Auth = append(app.Auth, bindings.Auth{Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization", Format: "Bearer {access_token}",
						OAuth: &bindings.OAuth{TokenURL: app.BaseURL + "/oauth/token", Answer: bindings.Answer{Account: "locationId", Parent: "companyId"}}})
					settings.Credentials = map[string]string{"client_id": "id", "client_secret": "client-secret", "refresh_token": "refresh-token"}
				}
				if test.change != nil {
					test.change(settings, app)
				}
			})
			_, err := s.Identify(t.Context(), "crm/paris")
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("got the error %v, want %q", err, test.err)
			}
			c, _ := s.connections.Get("crm/paris")
			if c.Account() != test.want {
				t.Errorf("its account is %q, want %q", c.Account(), test.want)
			}
		})
	}
}

// A 401 may be about one operation. Where the app's test call is refused too, the
// connection is broken and nothing more is sent on it.
func TestRefusedCredentials(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(path string) func(http.ResponseWriter)
		kind   bindings.ErrorKind
		sent   int // requests that the two calls make
		words  string
	}{
		{"one operation only", func(path string) func(http.ResponseWriter) {
			if path == "/contacts/loc1" {
				return reply(200, `{"id":"loc1"}`)
			}
			return reply(401, `{"message":"not with this token"}`)
		}, bindings.Unauthorized, 4, "not with this token"},
		{"the whole connection", func(string) func(http.ResponseWriter) {
			return reply(401, `{"message":"the key was revoked","code":"E17"}`)
		}, bindings.BrokenConnection, 2, "CRM refuses its credentials: the key was revoked (E17); connect again: tidewire connect crm/paris"},
		{"in the vendor's own code", func(string) func(http.ResponseWriter) {
			return reply(200, `{"ok":false,"error":"token_revoked"}`)
		}, bindings.BrokenConnection, 1, "token_revoked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			sent := 0
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				sent++
				test.answer(r.URL.Path)(w)
			}, func(c *call.Config, settings *connection.Settings, app *bindings.App) {
				tested(c, settings, app)
				app.Errors.Kinds["token_revoked"] = bindings.BrokenConnection
			})
			_, err := s.do(t, unsafe, args[unsafe])
			wantKind(t, err, test.kind, false)
			if got := strings.Join(s.begun, " "); got != "begin withdraw" {
				t.Errorf("begun record: %s", got)
			}
			_, err = s.do(t, unsafe, args[unsafe])
			wantKind(t, err, test.kind, false, test.words)
			if sent != test.sent {
				t.Errorf("the vendor got %d requests, want %d", sent, test.sent)
			}
		})
	}
}

// A request whose 200 reports an expired token is sent again with the next
// token.
func TestExpiredInA200(t *testing.T) {
	b := &bank{expired: reply(200, `{"ok":false,"error":"token_expired"}`)}
	s := b.client(t)
	s.app.Errors.OK, s.app.Errors.Code = "ok", []string{"error"}
	s.app.Auth[0].OAuth.Expired = []string{"token_expired"}
	if _, err := s.do(t, unsafe, args[unsafe]); err != nil {
		t.Fatal(err)
	}
	b.good = -1
	answer, err := s.do(t, unsafe, args[unsafe])
	if err != nil || answer.Sendings != 2 || b.refreshes != 2 {
		t.Fatalf("got %+v, %v after %d refreshes", answer, err, b.refreshes)
	}
	if got := fmt.Sprint(s.begun); got != "[begin begin withdraw begin]" {
		t.Errorf("begun record %s", got)
	}
}
