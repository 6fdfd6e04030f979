package connection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// Vault keeps one encrypted file a connection. A file that stands under its
// name is whole and on the disk.
type Vault struct {
	folder string
	key    *age.X25519Identity
}

const tokenSuffix = ".age"

// OpenVault opens the vault in a data folder, making it and its key at first.
func OpenVault(data string) (*Vault, error) {
	folder := filepath.Join(data, "vault")
	err := os.MkdirAll(folder, 0o700)
	if err == nil {
		err = syncFolder(data)
	}
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	key, err := readKey(folder)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(folder)
	}
	if err != nil {
		return nil, err
	}
	return &Vault{folder: folder, key: key}, nil
}

func (v *Vault) path(connection string) string {
	return filepath.Join(v.folder, strings.ReplaceAll(connection, "/", "@")+tokenSuffix)
}

// Load gives the token of a connection, nil if there is none.
func (v *Vault) Load(connection string) (*Token, error) {
	path := v.path(connection)
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept token: %w", err)
	}
	opened, err := age.Decrypt(bytes.NewReader(sealed), v.key)
	if err != nil {
		return nil, fmt.Errorf("the kept token in %q cannot be opened with the key in %q (%v); put the right key back, or remove the file and configure a new refresh_token", path, keyPath(v.folder), err)
	}
	text, err := io.ReadAll(io.LimitReader(opened, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("the kept token in %q is damaged (%v); remove the file and configure a new refresh_token", path, err)
	}
	var token Token
	if err := json.Unmarshal(text, &token); err != nil {
		return nil, fmt.Errorf("the kept token in %q is damaged; remove the file and configure a new refresh_token", path)
	}
	if token.Connection != connection {
		return nil, fmt.Errorf("the kept token in %q is that of %q; remove the file and configure a new refresh_token", path, token.Connection)
	}
	return &token, nil
}

// Save keeps a token in place of the one before.
func (v *Vault) Save(token Token) error {
	text, err := json.Marshal(token)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, v.key.Recipient())
	if err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	temp, err := writeTemp(v.folder, sealed.Bytes())
	if err != nil {
		return err
	}
	if err := os.Rename(temp, v.path(token.Connection)); err != nil {
		os.Remove(temp)
		return err
	}
	return syncFolder(v.folder)
}

// writeTemp writes a file of which every byte is on the disk when it returns.
func writeTemp(folder string, content []byte) (string, error) {
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
