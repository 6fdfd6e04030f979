package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"filippo.io/age"

	"github.com/tidewire/tidewire/engine/filelock"
)

// VaultConfig is where a vault is and where its key is.
type VaultConfig struct {
	// Folder is the data folder; the vault is a folder in it.
	Folder string
	// Key is empty for a key in a file of the vault, config.KeyInKeyring, or the key
	// itself as age writes it (AGE-SECRET-KEY-1…).
	Key     string
	Keyring Keyring // nil: the operating system's
	// Check returns why nothing in the vault may be changed now, nil if all may;
	// a nil Check allows all.
	Check func() error
}

// Vault stores one encrypted file for each connection, with a MAC by the vault's key. A
// file under its name is complete and on the disk. Any number of vaults and processes may be open on
// one folder.
type Vault struct {
	folder string
	keys   keyStore
	check  func() error // see VaultConfig

	mu         sync.Mutex
	key        *age.X25519Identity // nil: none is made yet
	folderSeen bool                // the folder existed
}

const (
	entrySuffix = ".age"
	// recipientFile has the public half of the vault's key, to recognise a
	// wrong key.
	recipientFile = "recipient"
	// lockTimeout bounds how long a rotation or another process is waited for.
	lockTimeout = time.Minute
)

// OpenVault opens the vault in a data folder. One that is not there is made,
// with its key, when the first entry is saved. A key that does not open the
// entries is a *KeyError.
func OpenVault(config VaultConfig) (*Vault, error) {
	folder := filepath.Join(config.Folder, "vault")
	v := &Vault{folder: folder, keys: keyStoreOf(folder, config), check: config.Check}
	if _, err := os.Stat(v.path(rotationFile)); err == nil {
		if err := v.resumeRotation(context.Background()); err != nil {
			return nil, fmt.Errorf("finish the rotation of the vault's key: %w", err)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, err := os.Stat(folder); err == nil {
		v.folderSeen = true
	}
	return v, v.readKey()
}

// readKey reads the key again, and compares it with the vault's.
func (v *Vault) readKey() error {
	names, err := v.Names()
	if err != nil {
		return err
	}
	key, err := v.keys.read()
	recipient, readErr := v.recipient()
	switch {
	case readErr != nil:
		return readErr
	case errors.Is(err, fs.ErrNotExist) && len(names) > 0:
		return &KeyError{Text: fmt.Sprintf("the vault's key in %s is gone", v.keys.location()), Names: names}
	case errors.Is(err, fs.ErrNotExist):
		v.key = nil
		return nil
	case err != nil && len(names) > 0:
		return &KeyError{Text: err.Error(), Names: names}
	case err != nil:
		return err
	case recipient != "" && recipient != key.Recipient().String() && len(names) > 0:
		return &KeyError{Text: fmt.Sprintf("the key in %s is not that of the vault %s", v.keys.location(), v.folder), Names: names}
	}
	v.key = key
	return nil
}

func (v *Vault) recipient() (string, error) {
	text, err := os.ReadFile(v.path(recipientFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("open the vault: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

func (v *Vault) path(name string) string { return filepath.Join(v.folder, name) }

func (v *Vault) entryPath(connection string) string {
	return v.path(fileName(connection) + entrySuffix)
}

// fileName writes a connection's name as that of a file; connections have no
// "@" in their names.
func fileName(connection string) string { return strings.ReplaceAll(connection, "/", "@") }

// Names are the connections with an entry in the vault, sorted. The key is not
// needed for that.
func (v *Vault) Names() ([]string, error) { return namesIn(v.folder) }

// StoredNames are the connections with an entry in the vault of a data folder.
func StoredNames(data string) ([]string, error) { return namesIn(filepath.Join(data, "vault")) }

func namesIn(folder string) ([]string, error) {
	files, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the vault: %w", err)
	}
	var names []string
	for _, file := range files {
		if name, found := strings.CutSuffix(file.Name(), entrySuffix); found && !strings.HasPrefix(name, ".") {
			names = append(names, strings.ReplaceAll(name, "@", "/"))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Load returns the entry of a connection, nil if there is none.
func (v *Vault) Load(connection string) (*Entry, error) {
	path := v.entryPath(connection)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the vault's entry of %q: %w", connection, err)
	}
	plain, err := v.open(text)
	if errors.Is(err, errNotSealed) {
		return nil, fmt.Errorf("the vault's entry of %q in %q was not written with the vault's key: somebody else has put it there, or it is of an older Tidewire, "+
			"whose entries had no proof of it; connect again: tidewire connect %s", connection, path, connection)
	}
	if err != nil {
		return nil, fmt.Errorf("the vault's entry of %q in %q cannot be opened with the key in %s (%w); put the right key or file back, or connect again: tidewire connect %s",
			connection, path, v.keys.location(), err, connection)
	}
	entry, err := unmarshalEntry(plain)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the vault's entry of %q in %q is damaged; put the file back from a copy, or connect again: tidewire connect %s", connection, path, connection)
	case entry.Connection != connection:
		return nil, fmt.Errorf("the vault's entry in %q is that of %q; put the file back under its own name, or connect again: tidewire connect %s", path, entry.Connection, connection)
	}
	return entry, nil
}

// open decrypts with the key, which is read again where another process has rotated
// it.
func (v *Vault) open(text []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	plain, err := decrypt(text, v.key)
	var other *age.NoIdentityMatchError
	if !errors.As(err, &other) && v.key != nil {
		return plain, err
	}
	if rereadErr := v.readKey(); rereadErr != nil || v.key == nil {
		return nil, errors.Join(err, rereadErr)
	}
	return decrypt(text, v.key)
}

// Save replaces the entry of a connection. When it returns, the entry is on the
// disk.
func (v *Vault) Save(ctx context.Context, entry Entry) error {
	plain, err := entry.marshal()
	if err != nil {
		return err
	}
	return v.withKey(ctx, func(key *age.X25519Identity) error {
		text, err := encrypt(plain, key)
		if err != nil {
			return err
		}
		return replaceFile(v.entryPath(entry.Connection), text)
	})
}

// Remove deletes the entry of a connection.
func (v *Vault) Remove(ctx context.Context, connection string) error {
	return v.withKey(ctx, func(*age.X25519Identity) error {
		err := os.Remove(v.entryPath(connection))
		if err == nil {
			err = syncFolder(v.folder)
		}
		return err
	})
}

// withKey calls do with the vault's key, made if there is none, while no
// rotation can begin.
func (v *Vault) withKey(ctx context.Context, do func(key *age.X25519Identity) error) error {
	release, err := v.lock(ctx, ".lock", false)
	if err != nil {
		return err
	}
	key, err := v.currentKey()
	if err == nil && key == nil { // the first entry: makeKey locks the vault exclusively
		release()
		if err := v.makeKey(ctx); err != nil {
			return err
		}
		return v.withKey(ctx, do)
	}
	defer release()
	if err != nil {
		return err
	}
	return do(key)
}

// currentKey is the key, read again where another process has rotated it.
func (v *Vault) currentKey() (*age.X25519Identity, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	recipient, err := v.recipient()
	if err != nil {
		return nil, err
	}
	if v.key == nil || recipient != v.key.Recipient().String() {
		if err := v.readKey(); err != nil {
			return nil, err
		}
	}
	if v.key != nil && recipient == "" {
		// The vault was made by hand, or its key is in the configuration.
		return v.key, replaceFile(v.path(recipientFile), []byte(v.key.Recipient().String()+"\n"))
	}
	return v.key, nil
}

// makeKey makes the vault's first key, unless another process has made one.
func (v *Vault) makeKey(ctx context.Context) error {
	release, err := v.lock(ctx, ".lock", true)
	if err != nil {
		return err
	}
	defer release()
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.readKey(); err != nil || v.key != nil {
		return err
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return fmt.Errorf("make the vault's key: %w", err)
	}
	if err := v.keys.write(key); err != nil {
		return fmt.Errorf("make the vault's key: %w", err)
	}
	v.key = key
	return replaceFile(v.path(recipientFile), []byte(key.Recipient().String()+"\n"))
}

// lock takes a lock file of the vault; the folder is made if need be.
func (v *Vault) lock(ctx context.Context, name string, exclusive bool) (release func(), err error) {
	if v.check != nil {
		if err := v.check(); err != nil {
			return nil, fmt.Errorf("lock the vault: %w", err)
		}
	}
	if err := v.makeFolder(); err != nil {
		return nil, fmt.Errorf("make the vault: %w", err)
	}
	f, err := os.OpenFile(v.path(name), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the vault: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	if err := filelock.Wait(ctx, f, exclusive); err != nil {
		f.Close()
		return nil, fmt.Errorf("wait for the vault: %w", err)
	}
	return func() { f.Close() }, nil
}

// makeFolder makes the vault's folder. One that existed and is gone is not made
// again: it may come back.
func (v *Vault) makeFolder() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, err := os.Stat(v.folder)
	if err == nil || v.folderSeen {
		v.folderSeen = true
		return err
	}
	if err := os.MkdirAll(v.folder, 0o700); err != nil {
		return err
	}
	v.folderSeen = true
	return syncFolder(filepath.Dir(v.folder))
}

// lockEntry prevents that other goroutines and processes change the entry of a
// connection.
func (v *Vault) lockEntry(ctx context.Context, connection string) (release func(), err error) {
	return v.lock(ctx, "."+fileName(connection)+".lock", true)
}

// Update changes the entry of a connection: change gets the entry, an empty one
// if there is none, and returns whether to save it.
func (v *Vault) Update(ctx context.Context, connection string, change func(*Entry) (save bool)) error {
	release, err := v.lockEntry(ctx, connection)
	if err != nil {
		return err
	}
	defer release()
	entry, err := v.Load(connection)
	if err != nil {
		return err
	}
	if entry == nil {
		entry = &Entry{Connection: connection}
	}
	if !change(entry) {
		return nil
	}
	return v.Save(ctx, *entry)
}

// Rename changes the name of an entry; the old one is added to its FormerNames.
// Entries that have it as parent are changed too.
func (v *Vault) Rename(ctx context.Context, from, to string) error {
	for _, name := range []string{from, to} {
		release, err := v.lockEntry(ctx, name)
		if err != nil {
			return err
		}
		defer release()
	}
	entry, err := v.Load(from)
	if err != nil {
		return err
	}
	existing, err := v.Load(to)
	switch {
	case err != nil:
		return err
	case entry == nil:
		return fmt.Errorf("the vault has no entry of a connection %q", from)
	case existing != nil:
		return fmt.Errorf("there is a connection %q already", to)
	}
	entry.rename(to)
	if err := v.Save(ctx, *entry); err != nil { // a crash here leaves both, under either name
		return err
	}
	names, err := v.Names()
	if err != nil {
		return err
	}
	for _, name := range names {
		if name == from || name == to {
			continue
		}
		err := v.Update(ctx, name, func(e *Entry) bool {
			follows := e.Settings != nil && e.Settings.Parent == from
			if follows {
				e.Settings.Parent = to
			}
			return follows
		})
		if err != nil {
			return err
		}
	}
	return v.Remove(ctx, from)
}

// SetAside moves an entry that cannot be opened away, so that the connection
// can be connected again. It returns the folder, empty if there was no entry.
func (v *Vault) SetAside(ctx context.Context, connection string, now time.Time) (folder string, err error) {
	if _, err := os.Stat(v.entryPath(connection)); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	err = v.withKey(ctx, func(*age.X25519Identity) error {
		folder, err = v.setAside([]string{connection}, now)
		return err
	})
	return folder, err
}
