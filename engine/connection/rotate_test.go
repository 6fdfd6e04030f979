package connection_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/connection"
)

// ring is a keyring in memory.
type ring struct {
	mu      sync.Mutex
	secrets map[string]string
}

func (r *ring) Get(service, name string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	secret, found := r.secrets[service+name]
	if !found {
		return "", fs.ErrNotExist
	}
	return secret, nil
}

func (r *ring) Set(service, name, secret string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[service+name] = secret
	return nil
}

func (r *ring) Delete(service, name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.secrets, service+name)
	return nil
}

func newKey(t *testing.T) string {
	t.Helper()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key.String()
}

// opens checks that a vault can be opened and has all entries that were saved.
func opens(t *testing.T, config connection.VaultConfig, names ...string) {
	t.Helper()
	v, err := connection.OpenVault(config)
	if err != nil {
		t.Fatalf("the vault does not open: %v", err)
	}
	for _, name := range names {
		entry, err := v.Load(name)
		if err != nil || entry == nil || entry.Token.Refresh != "token of "+name {
			t.Fatalf("%s: got %v, %v", name, entry, err)
		}
	}
	if _, err := os.Stat(filepath.Join(config.Folder, "vault", "rotating")); err == nil {
		t.Error("a rotation is left unfinished")
	}
}

// Wherever the key is, after a rotation another key opens all entries, and the one
// before opens none.
func TestRotate(t *testing.T) {
	first, second := newKey(t), newKey(t)
	for _, test := range []struct {
		name   string
		key    string
		change func(*connection.VaultConfig, *connection.RotationConfig)
	}{
		{"in a file", "", nil},
		{"in the keyring", config.KeyInKeyring, nil},
		{"from a file into the keyring", "", func(c *connection.VaultConfig, _ *connection.RotationConfig) { c.Key = config.KeyInKeyring }},
		{"from the keyring into a file", config.KeyInKeyring, func(c *connection.VaultConfig, _ *connection.RotationConfig) { c.Key = "" }},
		{"given", first, func(c *connection.VaultConfig, r *connection.RotationConfig) { c.Key, r.Old = second, first }},
		{"from a file to one that is given", "", func(c *connection.VaultConfig, _ *connection.RotationConfig) { c.Key = second }},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := connection.VaultConfig{Folder: t.TempDir(), Key: test.key, Keyring: &ring{secrets: map[string]string{}}}
			before, err := connection.OpenVault(config)
			if err != nil {
				t.Fatal(err)
			}
			save(t, before, "crm")
			save(t, before, "crm/paris")
			old := map[string][]byte{}
			for _, name := range []string{"crm", "crm@paris"} {
				old[name], _ = os.ReadFile(filepath.Join(config.Folder, "vault", name+".age"))
			}
			options := connection.RotationConfig{}
			if test.change != nil {
				test.change(&config, &options)
			}
			done, err := connection.RotateVault(t.Context(), config, options)
			if err != nil || fmt.Sprint(done.Names) != "[crm crm/paris]" || len(done.Lost) > 0 {
				t.Fatalf("got %+v, %v", done, err)
			}
			opens(t, config, "crm", "crm/paris")
			// The new key opens nothing that was encrypted for the old one.
			write(t, filepath.Join(config.Folder, "vault", "crm.age"), string(old["crm"]))
			after, err := connection.OpenVault(config)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := after.Load("crm"); err == nil {
				t.Error("the new key opens what the old one sealed")
			}
			// A process from before the rotation works on, unless the key is in its
			// configuration.
			if test.change == nil {
				save(t, before, "crm")
				opens(t, config, "crm", "crm/paris")
			} else if err := before.Save(t.Context(), connection.Entry{Connection: "crm"}); err == nil {
				t.Error("a process with the old key saved something that nobody can open")
			}
		})
	}
}

// A crash at any step leaves a vault that opens, and a rotation that can be
// made again.
func TestRotateCrash(t *testing.T) {
	given, next := newKey(t), newKey(t)
	for _, test := range []struct{ name, key string }{{"file", ""}, {"keyring", config.KeyInKeyring}, {"given", given}} {
		t.Run(test.name, func(t *testing.T) {
			steps := 0
			for crashed := true; crashed; steps++ {
				config := connection.VaultConfig{Folder: t.TempDir(), Key: test.key, Keyring: &ring{secrets: map[string]string{}}}
				v, err := connection.OpenVault(config)
				if err != nil {
					t.Fatal(err)
				}
				names := []string{"crm", "crm/lyon", "crm/paris"}
				for _, name := range names {
					save(t, v, name)
				}
				to, options := config, connection.RotationConfig{Old: given}
				if test.key == given {
					to.Key = next
				}
				if crashed, err = connection.RotateAndCrash(t.Context(), to, options, steps); err != nil {
					t.Fatalf("step %d: %v", steps, err)
				}
				if test.key != given {
					opens(t, config, names...)
					continue
				}
				// One of the two keys opens all entries, and making the rotation again
				// ends it.
				_, withNext := connection.OpenVault(to)
				if _, withOld := connection.OpenVault(config); withNext != nil && withOld != nil {
					t.Fatalf("step %d: neither key opens the vault: %v, %v", steps, withOld, withNext)
				}
				if _, err := connection.RotateVault(t.Context(), to, options); err != nil && withNext != nil {
					t.Fatalf("step %d: %v", steps, err)
				}
				opens(t, to, names...)
			}
			if steps < 10 {
				t.Errorf("the rotation had %d steps; it shows nothing", steps)
			}
		})
	}
}

// Entries that no key opens are set aside with Lost.
func TestRotateLost(t *testing.T) {
	config := connection.VaultConfig{Folder: t.TempDir()}
	save(t, vaultOf(t, config.Folder), "crm")
	save(t, vaultOf(t, config.Folder), "crm/paris")
	remove(t, filepath.Join(config.Folder, "vault", "key"))
	_, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{})
	if err == nil || !strings.Contains(err.Error(), "no key that is here opens the vault's entries of crm, crm/paris, and has written them; nothing was changed") {
		t.Fatalf("got %v", err)
	}
	done, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{Lost: true})
	if err != nil || fmt.Sprint(done.Lost) != "[crm crm/paris]" {
		t.Fatalf("got %+v, %v", done, err)
	}
	if aside, _ := filepath.Glob(filepath.Join(done.AsideFolder, "*.age")); len(aside) != 2 {
		t.Errorf("set aside are %v", aside)
	}
	save(t, vaultOf(t, config.Folder), "crm")
	opens(t, config, "crm")
}

func TestRotateRefuses(t *testing.T) {
	key := newKey(t)
	config := connection.VaultConfig{Folder: t.TempDir(), Key: key}
	if _, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{}); err == nil || !strings.Contains(err.Error(), "there is no vault in") {
		t.Errorf("got %v", err)
	}
	v, err := connection.OpenVault(config)
	if err != nil {
		t.Fatal(err)
	}
	save(t, v, "crm")
	if _, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{}); err == nil || !strings.Contains(err.Error(), "is the present one; put a new one there") {
		t.Errorf("got %v", err)
	}
	config.Key = "nonsense"
	if _, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{}); err == nil || !strings.Contains(err.Error(), "is not an age identity") {
		t.Errorf("got %v", err)
	}
}
