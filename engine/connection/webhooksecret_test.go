package connection_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/tidewire/tidewire/engine/connection"
)

// The secrets of webhooks are still there after a restart and a renaming, are
// encrypted, and do not change what else is stored of a connection.
func TestWebhookSecrets(t *testing.T) {
	v, data := newVendor(t), t.TempDir()
	put(t, data, stored("crm", "refresh-0"))
	paris := connection.Settings{Name: "crm/paris", Credentials: map[string]string{"token": "pit-1234"}}
	secrets := v.open(t, data, nil, paris).WebhookSecrets()
	for _, name := range []string{"crm", "crm/paris"} {
		if err := secrets.Save(t.Context(), name, "key-1", "hook secret of "+name); err != nil {
			t.Fatal(err)
		}
		if err := secrets.Save(t.Context(), name, "key-2", "another"); err != nil {
			t.Fatal(err)
		}
		if err := secrets.Remove(t.Context(), name, "key-2"); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(data, "vault", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("the vault has %v, %v", files, err)
	}
	for _, file := range files {
		if text, _ := os.ReadFile(file); bytes.Contains(text, []byte("hook secret")) {
			t.Errorf("%s shows a secret", file)
		}
	}
	set := v.open(t, data, nil, paris)
	wantHeader(t, set, "crm", "Bearer access-1")
	wantHeader(t, set, "crm/paris", "Bearer pit-1234")
	expect := func(set *connection.Set, name, key, want string) {
		t.Helper()
		if got, err := set.WebhookSecrets().Load(t.Context(), name, key); err != nil || got != want {
			t.Errorf("%s %s: got %q, %v, want %q", name, key, got, err, want)
		}
	}
	expect(set, "crm", "key-1", "hook secret of crm")
	expect(set, "crm/paris", "key-1", "hook secret of crm/paris")
	expect(set, "crm", "key-2", "")
	expect(set, "crm/lyon", "key-1", "")
	if err := vaultOf(t, data).Rename(t.Context(), "crm", "crm/rome"); err != nil {
		t.Fatal(err)
	}
	set = v.open(t, data, nil, paris)
	expect(set, "crm", "key-1", "hook secret of crm") // the name that it had
	expect(set, "crm/rome", "key-1", "hook secret of crm")
}
