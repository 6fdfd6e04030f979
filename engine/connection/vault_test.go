package connection_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/tidewire/tidewire/engine/connection"
)

func vaultOf(t *testing.T, data string) *connection.Vault {
	t.Helper()
	v, err := connection.OpenVault(connection.VaultConfig{Folder: data})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVault(t *testing.T) {
	data := t.TempDir()
	v := vaultOf(t, data)
	if token, err := v.Load("crm/paris"); token != nil || err != nil {
		t.Errorf("got %v, %v from an empty vault", token, err)
	}
	for _, refresh := range []string{"one", "two"} {
		if err := v.Save(t.Context(), connection.Entry{Connection: "crm/paris", Token: connection.Token{Refresh: refresh}}); err != nil {
			t.Fatal(err)
		}
		token, err := vaultOf(t, data).Load("crm/paris")
		if err != nil || token == nil || token.Token.Refresh != refresh {
			t.Errorf("got %v, %v, want %q back", token, err, refresh)
		}
	}
	left, _ := filepath.Glob(filepath.Join(data, "vault", ".new-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestVaultRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, folder string)
		words string
	}{
		{"a key that others can read", func(t *testing.T, folder string) { chmod(t, filepath.Join(folder, "key"), 0o640) }, "run: chmod 600 "},
		{"a key that is none", func(t *testing.T, folder string) { write(t, filepath.Join(folder, "key"), "nonsense") }, "is not an age identity"},
		{"a key that is gone", func(t *testing.T, folder string) { remove(t, filepath.Join(folder, "key")) }, " is gone; put the right key back, or, if it is lost: tidewire vault rotate --lost, and then tidewire connect each of crm"},
		{"another key", func(t *testing.T, folder string) {
			other := t.TempDir()
			save(t, vaultOf(t, other), "crm")
			text, _ := os.ReadFile(filepath.Join(other, "vault", "key"))
			write(t, filepath.Join(folder, "key"), string(text))
		}, "is not that of the vault"},
		{"half a file", func(t *testing.T, folder string) {
			path := filepath.Join(folder, "crm.age")
			text, _ := os.ReadFile(path)
			write(t, path, string(text[:len(text)-5]))
		}, "cannot be opened with the key"},
		{"a forged file", func(t *testing.T, folder string) {
			forge(t, folder, "{\"connection\":\"crm\",\"refresh_token\":\"r\"}")
		}, "was not written with the vault's key"},
		{"a forged file with a seal", func(t *testing.T, folder string) {
			forge(t, folder, "tidewire entry 1 "+strings.Repeat("00", 32)+"\n{\"connection\":\"crm\",\"refresh_token\":\"r\"}")
		}, "was not written with the vault's key"},
		{"a forged file without MACs", func(t *testing.T, folder string) { forge(t, folder, "tidewire entry 1 \n{\"connection\":\"crm\"}") }, "was not written with the vault's key"},
		{"the file of another connection", func(t *testing.T, folder string) {
			if err := os.Rename(filepath.Join(folder, "crm.age"), filepath.Join(folder, "crm@paris.age")); err != nil {
				t.Fatal(err)
			}
			text, _ := os.ReadFile(filepath.Join(folder, "crm@paris.age"))
			write(t, filepath.Join(folder, "crm.age"), string(text))
			if err := os.Rename(filepath.Join(folder, "crm@paris.age"), filepath.Join(folder, "crm@lyon.age")); err != nil {
				t.Fatal(err)
			}
		}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := t.TempDir()
			if err := vaultOf(t, data).Save(t.Context(), connection.Entry{Connection: "crm", Token: connection.Token{Refresh: "r"}}); err != nil {
				t.Fatal(err)
			}
			test.spoil(t, filepath.Join(data, "vault"))
			v, err := connection.OpenVault(connection.VaultConfig{Folder: data})
			if err == nil {
				_, err = v.Load("crm")
			}
			if test.words == "" {
				if err != nil {
					t.Fatal(err)
				}
				_, err = v.Load("crm/lyon")
				test.words = `is that of "crm"`
			}
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %q", err, test.words)
			}
		})
	}
}

// Two processes that start at once agree on one key.
func TestVaultKeyAtOnce(t *testing.T) {
	data := t.TempDir()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			v, err := connection.OpenVault(connection.VaultConfig{Folder: data})
			if err != nil {
				t.Error(err)
				return
			}
			if err := v.Save(t.Context(), connection.Entry{Connection: "crm/c" + string(rune('0'+i))}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	v := vaultOf(t, data)
	for i := range 8 {
		if token, err := v.Load("crm/c" + string(rune('0'+i))); err != nil || token == nil {
			t.Errorf("got %v, %v", token, err)
		}
	}
}

// forge writes what somebody can who may write into the vault's folder, and does not
// have its key: an entry that is encrypted for the key's public half.
func forge(t *testing.T, folder, plain string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "recipient"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := age.ParseX25519Recipient(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(folder, "crm.age"), out.String())
}

// A rotation does not make a forged entry one of the vault's.
func TestRotateRefusesForgedEntries(t *testing.T) {
	config := connection.VaultConfig{Folder: t.TempDir()}
	save(t, vaultOf(t, config.Folder), "crm")
	save(t, vaultOf(t, config.Folder), "crm/paris")
	forge(t, filepath.Join(config.Folder, "vault"), `{"connection":"crm","refresh_token":"r"}`)
	if _, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{}); err == nil || !strings.Contains(err.Error(), "the vault's entries of crm, and has written them") {
		t.Errorf("got %v", err)
	}
	done, err := connection.RotateVault(t.Context(), config, connection.RotationConfig{Lost: true})
	if err != nil || len(done.Lost) != 1 || done.Lost[0] != "crm" {
		t.Errorf("got %+v, %v", done, err)
	}
	opens(t, config, "crm/paris")
}

func save(t *testing.T, v *connection.Vault, name string) {
	t.Helper()
	if err := v.Save(t.Context(), connection.Entry{Connection: name, Token: connection.Token{Refresh: "token of " + name}}); err != nil {
		t.Fatal(err)
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func vaultOfErr(data string) error {
	_, err := connection.OpenVault(connection.VaultConfig{Folder: data})
	return err
}

// TestVaultMayNotBeChanged: while Check returns an error, nothing in the vault changes
// and no lock file is made.
func TestVaultMayNotBeChanged(t *testing.T) {
	reason := errors.New("the data folder is another one now")
	data := t.TempDir()
	refused := false
	v, err := connection.OpenVault(connection.VaultConfig{Folder: data, Check: func() error {
		if refused {
			return reason
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Save(t.Context(), connection.Entry{Connection: "crm/paris", SeedHash: "1"}); err != nil {
		t.Fatal(err)
	}
	refused = true
	for what, err := range map[string]error{
		"Save":   v.Save(t.Context(), connection.Entry{Connection: "crm/paris", SeedHash: "2"}),
		"Remove": v.Remove(t.Context(), "crm/paris"),
		"Update": v.Update(t.Context(), "crm/lyon", func(*connection.Entry) bool { return true }),
		"Rename": v.Rename(t.Context(), "crm/paris", "crm/lyon"),
	} {
		if !errors.Is(err, reason) {
			t.Errorf("%s: found %v, expected %v", what, err, reason)
		}
	}
	entry, err := v.Load("crm/paris")
	if err != nil || entry == nil || entry.SeedHash != "1" {
		t.Errorf("the entry is %+v, %v", entry, err)
	}
	if names, err := v.Names(); err != nil || len(names) != 1 {
		t.Errorf("the vault has %q, %v", names, err)
	}
}
