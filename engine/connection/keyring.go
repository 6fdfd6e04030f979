package connection

import (
	"crypto/rand"
	"errors"
	"io/fs"

	"github.com/zalando/go-keyring"
)

// Keyring stores secrets outside of files: the operating system's, or a test's.
// Get returns fs.ErrNotExist where there is no such secret.
type Keyring interface {
	Get(service, name string) (string, error)
	Set(service, name, secret string) error
	Delete(service, name string) error
}

// systemKeyring is the operating system's: Keychain, Credential Manager or
// Secret Service.
type systemKeyring struct{}

func (systemKeyring) Get(service, name string) (string, error) {
	secret, err := keyring.Get(service, name)
	if errors.Is(err, keyring.ErrNotFound) {
		return "", fs.ErrNotExist
	}
	return secret, err
}

func (systemKeyring) Set(service, name, secret string) error {
	return keyring.Set(service, name, secret)
}

func (systemKeyring) Delete(service, name string) error {
	err := keyring.Delete(service, name)
	if errors.Is(err, keyring.ErrNotFound) {
		return nil
	}
	return err
}

// randomText is a name that nothing else has.
func randomText() string { return rand.Text() }
