package connection_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/connection"
)

// A vendor's test system wants a token of its own beside the credentials, with
// token requests too.
func TestExtraHeaders(t *testing.T) {
	for _, test := range []struct{ name, setting string }{{"set", "staging"}, {"not set", ""}} {
		t.Run(test.name, func(t *testing.T) {
			asked := false
			tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = true
				if got := r.Header.Get("X-Staging"); got != test.setting {
					t.Errorf("the token request has X-Staging %q, want %q", got, test.setting)
				}
				w.Header().Set("Content-Type", "application/json")
				_, _ = w.Write([]byte(`{"access_token":"one","refresh_token":"two","token_type":"Bearer","expires_in":3600}`))
			}))
			defer tokens.Close()
			app := &bindings.App{Name: "bank", Auth: []bindings.Auth{{
				Name: "oauth", Fields: []string{"client_id", "client_secret"},
				Header: "Authorization", Format: "Bearer {access_token}",
				Extra: map[string]string{"X-Staging": "{staging_token}"}, Optional: []string{"staging_token"},
				OAuth: &bindings.OAuth{TokenURL: tokens.URL},
			}}}
			credentials := map[string]string{"client_id": "id", "client_secret": "secret", "refresh_token": "zero"}
			if test.setting != "" {
				credentials["staging_token"] = test.setting
			}
			set, err := connection.New(connection.Config{
				Apps: []*bindings.App{app}, Folder: t.TempDir(),
				Settings: []connection.Settings{{Name: "bank", BaseURL: tokens.URL, Credentials: credentials}},
			})
			if err != nil {
				t.Fatal(err)
			}
			c, _ := set.Get("bank")
			h := http.Header{}
			if _, err := c.Authorize(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			if h.Get("Authorization") != "Bearer one" || h.Get("X-Staging") != test.setting || !asked {
				t.Errorf("got %v", h)
			}
			if _, has := h["X-Staging"]; has != (test.setting != "") {
				t.Errorf("X-Staging is sent: %v", has)
			}
		})
	}
}
