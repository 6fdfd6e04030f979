package connect_test

import (
	"path/filepath"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestConnectAgain: a connection that is made again has its new credentials, and what
// the vault has of it beside them.
func TestConnectAgain(t *testing.T) {
	catalogue, err := bindings.ParseCatalogue([]byte(`operation look.now {"id":"look","method":"GET","path":"/look"}`))
	must(t, err)
	crm := &bindings.App{Name: "crm", Title: "CRM", BaseURL: "http://127.0.0.1", Catalogue: catalogue,
		Auth: []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}}}
	dir := t.TempDir()
	save := func(token string) {
		t.Helper()
		c, err := connect.Open(config.Sources{Dir: dir}, []*bindings.App{crm})
		must(t, err)
		defer c.Close()
		d, err := c.Draft("crm", connection.Settings{Credentials: map[string]string{"token": token}})
		must(t, err)
		with, err := d.WithAuth("")
		must(t, err)
		_, err = c.SaveKey(t.Context(), with, false)
		must(t, err)
	}
	save("first-token")
	vault, err := connection.OpenVault(connection.VaultConfig{Folder: filepath.Join(dir, "data")})
	must(t, err)
	must(t, vault.Update(t.Context(), "crm", func(e *connection.Entry) bool {
		e.WebhookSecrets, e.FormerNames = map[string]string{"key-1": "secret-1"}, []string{"crm/old"}
		return true
	}))
	save("second-token")
	entry, err := vault.Load("crm")
	must(t, err)
	if token := entry.Settings.Credentials["token"]; token != "second-token" {
		t.Errorf("the token is %q", token)
	}
	if entry.WebhookSecrets["key-1"] != "secret-1" || len(entry.FormerNames) != 1 {
		t.Errorf("the secrets of webhooks are %q, its former names %q", entry.WebhookSecrets, entry.FormerNames)
	}
}
