package connection

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

func keyPath(folder string) string { return filepath.Join(folder, "key") }

// readKey refuses a key that others on the machine can read.
func readKey(folder string) (*age.X25519Identity, error) {
	path := keyPath(folder)
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("the vault's key %q can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the vault's key: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if key, err := age.ParseX25519Identity(line); err == nil {
			return key, nil
		}
		break
	}
	return nil, fmt.Errorf("the vault's key %q is not an age identity (AGE-SECRET-KEY-1…); put the right one back", path)
}

// makeKey makes the vault's key, unless tokens show that there was one.
func makeKey(folder string) (*age.X25519Identity, error) {
	kept, err := filepath.Glob(filepath.Join(folder, "*"+tokenSuffix))
	if err != nil {
		return nil, err
	}
	if len(kept) > 0 {
		return nil, fmt.Errorf("the vault's key %q is gone, and %d kept tokens need it; put it back, or remove %s and configure new refresh tokens",
			keyPath(folder), len(kept), filepath.Join(folder, "*"+tokenSuffix))
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, fmt.Errorf("make the vault's key: %w", err)
	}
	temp, err := writeTemp(folder, []byte("# Opens the tokens in this folder. Keep a copy, show it to nobody.\n"+key.String()+"\n"))
	if err != nil {
		return nil, fmt.Errorf("make the vault's key: %w", err)
	}
	// A link, unlike a rename, leaves the key of a process that was faster.
	err = os.Link(temp, keyPath(folder))
	os.Remove(temp)
	if errors.Is(err, fs.ErrExist) {
		return readKey(folder)
	}
	if err == nil {
		err = syncFolder(folder)
	}
	if err != nil {
		return nil, fmt.Errorf("make the vault's key: %w", err)
	}
	return key, nil
}
