package call_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestAddedApp sends calls and token requests of an app that is not built in only to
// public addresses, unless the configuration allows others, whoever wrote the address.
func TestAddedApp(t *testing.T) {
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if r.URL.Path == "/token" {
			reply(200, `{"access_token":"a","token_type":"Bearer","expires_in":3600}`)(w)
			return
		}
		reply(200, `{}`)(w)
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	inApp := func(app *bindings.App, _ *connection.Settings) { app.BaseURL = server.URL }
	inSettings := func(app *bindings.App, s *connection.Settings) {
		app.BaseURL, s.BaseURL = "https://api.example.com", server.URL
	}
	byName := func(app *bindings.App, _ *connection.Settings) { app.BaseURL = "http://localhost:" + at.Port() }
	token := func(app *bindings.App, s *connection.Settings) {
		app.BaseURL = server.URL
		app.Auth = []bindings.Auth{{Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization",
			Format: "Bearer {access_token}", OAuth: &bindings.OAuth{TokenURL: server.URL + "/token", ClientCredentials: true}}}
		s.Credentials = map[string]string{"client_id": "id", "client_secret": "secret"}
	}
	const refused = "is not on the public internet"
	for name, c := range map[string]struct {
		set     func(*bindings.App, *connection.Settings)
		builtIn bool
		private bool
		allow   []string
		want    string // in the error; empty: none
	}{
		"the app's address":                      {set: inApp, want: refused},
		"a name of this machine":                 {set: byName, want: refused},
		"the connection's address":               {set: inSettings, want: refused},
		"the token's address":                    {set: token, want: refused},
		"allowed host":                           {set: inApp, allow: []string{"127.0.0.1"}},
		"allowed network":                        {set: inSettings, allow: []string{"127.0.0.0/8"}},
		"allowed host and token":                 {set: token, allow: []string{at.Host}},
		"private addresses allowed":              {set: token, private: true},
		"built in, at the operator's own server": {set: inSettings, builtIn: true},
	} {
		t.Run(name, func(t *testing.T) {
			requests = 0
			set := func(config *call.Config, settings *connection.Settings, app *bindings.App) {
				app.Added = !c.builtIn
				c.set(app, settings)
				config.AllowPrivate, config.AllowHosts, config.MaxWait = c.private, c.allow, -1
			}
			s := start(t, answers(reply(200, `{}`)), set)
			_, err := s.do(t, unsafe, args[unsafe])
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "http.allow")):
				t.Errorf("got %v, expected %q", err, c.want)
			case c.want != "" && requests > 0:
				t.Errorf("%d requests were sent", requests)
			}
		})
	}
	if call.Guarded(false, nil).Proxy != nil {
		t.Error("a proxy would be dialled in place of the address")
	}
}
