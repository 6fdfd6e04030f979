package dashboard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tidewire/tidewire/engine/ownership"
)

// keySize is the length of the key that signs links, in bytes.
const keySize = 32

// KeyFile is the name of the key's file in a data folder.
const KeyFile = "approval.key"

// Key reads the key that signs links from a data folder, or makes it there.
// A key that others on the machine can read, that is a link, or that belongs to
// another user is refused.
func Key(folder string) ([]byte, error) {
	path := filepath.Join(folder, KeyFile)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := makeKey(folder, path); err != nil {
		return nil, fmt.Errorf("make the key of approval links: %w", err)
	}
	return readKey(path)
}

func readKey(path string) ([]byte, error) {
	if err := ownership.CheckOwnFile("the key of approval links", path); err != nil {
		return nil, err
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the key of approval links: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("the key of approval links %q has %d bytes, expected %d; put the right one back, "+
			"or remove it: then links that were sent no longer open", path, len(key), keySize)
	}
	return key, nil
}

// makeKey writes a new key, unless another process has just written one.
func makeKey(folder, path string) error {
	key := make([]byte, keySize)
	rand.Read(key)                                        // never fails
	temp, err := os.CreateTemp(folder, ".approval.key-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	_, err = temp.Write(key)
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link does not replace a file.
	if err := os.Link(temp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
