package connection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/tidewire/tidewire/engine/config"
	"github.com/tidewire/tidewire/engine/ownership"
)

// keyStore is where a vault's key is.
type keyStore interface {
	// read returns the key; fs.ErrNotExist if there is none.
	read() (*age.X25519Identity, error)
	// write replaces the key, or on an error leaves all as it was.
	write(*age.X25519Identity) error
	// location names the place for people.
	location() string
}

func keyStoreOf(folder string, c VaultConfig) keyStore {
	switch c.Key {
	case "":
		return fileKeyStore{folder}
	case config.KeyInKeyring:
		ring := c.Keyring
		if ring == nil {
			ring = systemKeyring{}
		}
		return keyringKeyStore{folder, ring}
	}
	return configKeyStore{c.Key}
}

// parseKey reads an age identity; lines that are empty or begin with # are
// ignored.
func parseKey(text string) (*age.X25519Identity, bool) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, err := age.ParseX25519Identity(line)
		return key, err == nil
	}
	return nil, false
}

// fileKeyStore is a key in a file of the vault that only its owner may read.
type fileKeyStore struct{ folder string }

func (k fileKeyStore) path() string     { return filepath.Join(k.folder, KeyFile) }
func (k fileKeyStore) location() string { return k.path() }

func (k fileKeyStore) read() (*age.X25519Identity, error) {
	if err := ownership.CheckOwnFile("the vault's key", k.path()); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(k.path())
	if err != nil {
		return nil, fmt.Errorf("read the vault's key: %w", err)
	}
	key, ok := parseKey(string(text))
	if !ok {
		return nil, fmt.Errorf("the vault's key %q is not an age identity (AGE-SECRET-KEY-1…); put the right one back", k.path())
	}
	return key, nil
}

func (k fileKeyStore) write(key *age.X25519Identity) error {
	text := "# Opens the files in this folder. Store a copy elsewhere, show it to nobody.\n" + key.String() + "\n"
	return replaceFile(k.path(), []byte(text))
}

// configKeyStore is a key in the configuration.
type configKeyStore struct{ text string }

func (k configKeyStore) location() string { return "vault_key (TIDEWIRE_VAULT_KEY)" }

func (k configKeyStore) read() (*age.X25519Identity, error) {
	key, ok := parseKey(k.text)
	if !ok {
		return nil, errors.New("vault_key (TIDEWIRE_VAULT_KEY) is not an age identity (AGE-SECRET-KEY-1…), nor the word keyring")
	}
	return key, nil
}

// write changes nothing: the key has to be in the configuration already.
func (k configKeyStore) write(key *age.X25519Identity) error {
	present, err := k.read()
	if err == nil && present.String() != key.String() {
		err = errors.New("a key that the configuration holds cannot be replaced from here")
	}
	return err
}

// keyringKeyStore is a key in the operating system's keyring, under a name that
// is stored in the vault's folder.
type keyringKeyStore struct {
	folder string
	ring   Keyring
}

// keyringService is the name that keyrings show to people.
const keyringService = "tidewire vault"

func (k keyringKeyStore) location() string { return "the keyring of this machine" }

func (k keyringKeyStore) name() (string, error) {
	text, err := os.ReadFile(filepath.Join(k.folder, "keyring"))
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(string(text)), nil
}

func (k keyringKeyStore) read() (*age.X25519Identity, error) {
	name, err := k.name()
	if err != nil {
		return nil, err
	}
	text, err := k.ring.Get(keyringService, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("read the vault's key in %s: %w", k.location(), err)
	}
	key, ok := parseKey(text)
	if !ok {
		return nil, fmt.Errorf("what %s has as %q, %q is not an age identity (AGE-SECRET-KEY-1…)", k.location(), keyringService, name)
	}
	return key, nil
}

func (k keyringKeyStore) write(key *age.X25519Identity) error {
	name, err := k.name()
	if errors.Is(err, fs.ErrNotExist) {
		name = randomText()
		err = replaceFile(filepath.Join(k.folder, "keyring"), []byte(name+"\n"))
	}
	if err != nil {
		return err
	}
	if err := k.ring.Set(keyringService, name, key.String()); err != nil {
		return fmt.Errorf("put the vault's key into %s: %w", k.location(), err)
	}
	return nil
}

// KeyError is the error for a key that does not open its vault. Nothing is lost
// as long as the right key can be put back.
type KeyError struct {
	Text string
	// Advice is what to do next; empty: put the key back, or give it up.
	Advice string
	// Names are the connections with an entry in the vault.
	Names []string
}

func (e *KeyError) Error() string {
	if e.Advice != "" {
		return e.Text + "; " + e.Advice
	}
	return fmt.Sprintf("%s; put the right key back, or, if it is lost: tidewire vault rotate --lost, and then tidewire connect each of %s",
		e.Text, joinOrNone(e.Names))
}
