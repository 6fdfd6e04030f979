package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyFile is the name of the vault's key in its folder, if it is in a file.
const KeyFile = "key"

// VaultFiles returns the content of all files of the vault in a data folder by their
// paths in the vault, as they are: encrypted, with the key if it is in a file. During
// the call no rotation of the key and no removal of an entry begins. There is none for a
// folder without a vault.
func VaultFiles(ctx context.Context, data string) (map[string][]byte, error) {
	v := &Vault{folder: filepath.Join(data, "vault"), folderSeen: true}
	if _, err := os.Stat(v.folder); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	release, err := v.lock(ctx, ".lock", false)
	if err != nil {
		return nil, err
	}
	defer release()
	files := map[string][]byte{}
	err = filepath.WalkDir(v.folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && (!entry.Type().IsRegular() || strings.HasPrefix(entry.Name(), ".")) {
			return nil // a folder, a lock, or a file that was being written
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(v.folder, path)
		if err == nil {
			files[filepath.ToSlash(name)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the vault: %w", err)
	}
	return files, nil
}
