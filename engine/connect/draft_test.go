package connect_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestEmptySecretIsNotSaved: connect saves no secret without a value, also where it
// is not tested.
func TestEmptySecretIsNotSaved(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue(nil)
	if err != nil {
		t.Fatal(err)
	}
	apps := []*bindings.App{{
		Name: "crm", Title: "CRM", BaseURL: "https://crm.example", Account: bindings.Account{Noun: "location"}, Catalogue: catalogue,
		Auth: []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
	}}
	for _, test := range []struct{ token, webhookSecret, want string }{
		{"", "", "token is empty; nothing was saved"},
		{" \t", "", "token is empty; nothing was saved"},
		{"pit-1234", " ", "webhook_secret is empty; nothing was saved"},
		{"pit-1234", "", ""},
	} {
		c, err := connect.Open(config.Sources{Dir: t.TempDir()}, apps)
		if err != nil {
			t.Fatal(err)
		}
		draft, err := c.Draft("crm", connection.Settings{WebhookSecret: test.webhookSecret})
		if err != nil {
			t.Fatal(err)
		}
		way, err := draft.WithAuth("token")
		if err != nil {
			t.Fatal(err)
		}
		way.SetField("token", test.token)
		_, err = c.SaveKey(t.Context(), way, true)
		c.Close()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("token %q, webhook_secret %q: got %v, want %q", test.token, test.webhookSecret, err, test.want)
		}
	}
}
