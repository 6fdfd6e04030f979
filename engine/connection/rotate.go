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
	"time"

	"filippo.io/age"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/config"
)

// rotationFile exists while a rotation is under way, and after a crash in one.
const rotationFile = "rotating"

// RotationConfig is options a vault's key is replaced.
type RotationConfig struct {
	// Old is a key that opens what the present one does not: the one before,
	// where the configuration has the next one already.
	Old string
	// Lost sets aside the entries that no key opens; they are not deleted.
	Lost  bool
	Clock clock.Clock // nil: the machine's

	beforeStep func() error // before each durable step, for tests that crash there
}

// RotationResult is what a rotation did.
type RotationResult struct {
	KeyLocation string   // where the new key is
	Names       []string // the connections that it opens
	Lost        []string // the connections that no key opens; they have to be connected again
	AsideFolder string   // the folder with the entries of those
}

// RotateVault encrypts all entries of a vault under a new key. After a crash at
// any moment the vault can be opened with the key that is then stored, and the
// next opening or rotation finishes the rotation.
//
// For a while all entries are encrypted for both keys; then the stored key is
// replaced; then all entries are encrypted for the new one alone.
func RotateVault(ctx context.Context, config VaultConfig, options RotationConfig) (RotationResult, error) {
	folder := filepath.Join(config.Folder, "vault")
	v := &Vault{folder: folder, keys: keyStoreOf(folder, config)}
	if _, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) {
		return RotationResult{}, fmt.Errorf("there is no vault in %s: nothing was connected yet", config.Folder)
	}
	release, err := v.lock(ctx, ".lock", true)
	if err != nil {
		return RotationResult{}, err
	}
	defer release()
	r := rotation{vault: v, config: options, old: v.oldKeys(config, options.Old)}
	if r.next, err = v.nextKey(); err != nil {
		return RotationResult{}, err
	}
	return r.run()
}

// oldKeys are the keys that may open entries, from each place where one may be.
func (v *Vault) oldKeys(c VaultConfig, named string) (all []*age.X25519Identity) {
	add := func(key *age.X25519Identity, err error) {
		if err == nil && key != nil && !slices.ContainsFunc(all, func(k *age.X25519Identity) bool { return k.String() == key.String() }) {
			all = append(all, key)
		}
	}
	if key, ok := parseKey(named); ok {
		add(key, nil)
	}
	add(v.keys.read())
	add(fileKeyStore{v.folder}.read())
	add(keyStoreOf(v.folder, VaultConfig{Key: config.KeyInKeyring, Keyring: c.Keyring}).read())
	return all
}

// nextKey is a new one, or the one that is in the configuration already.
func (v *Vault) nextKey() (*age.X25519Identity, error) {
	if _, given := v.keys.(configKeyStore); !given {
		return age.GenerateX25519Identity()
	}
	key, err := v.keys.read()
	if err != nil {
		return nil, err
	}
	present, err := v.recipient()
	if err == nil && present == key.Recipient().String() {
		err = fmt.Errorf("the key in %s is the present one; put a new one there (age-keygen makes one), name the file of the present one with --old-key, and rotate again", v.keys.location())
	}
	return key, err
}

// rotateAgain is the advice after a rotation that cannot be finished
// automatically.
const rotateAgain = "make it again: tidewire vault rotate"

type rotation struct {
	vault  *Vault
	config RotationConfig
	old    []*age.X25519Identity
	next   *age.X25519Identity
}

func (r *rotation) run() (RotationResult, error) {
	v := r.vault
	names, err := v.Names()
	if err != nil {
		return RotationResult{}, err
	}
	done := RotationResult{KeyLocation: v.keys.location()}
	plain := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(v.entryPath(name))
		if err != nil {
			return RotationResult{}, fmt.Errorf("read the vault's entry of %q: %w", name, err)
		}
		// An interrupted rotation may have used the new key already.
		if plain[name], err = decrypt(text, append(slices.Clone(r.old), r.next)...); err != nil {
			done.Lost = append(done.Lost, name)
			continue
		}
		done.Names = append(done.Names, name)
	}
	if len(done.Lost) > 0 && !r.config.Lost {
		return RotationResult{}, &KeyError{Text: fmt.Sprintf("no key that is here opens the vault's entries of %s, and has written them; nothing was changed", strings.Join(done.Lost, ", ")), Names: done.Lost}
	}
	both := []*age.X25519Identity{r.next}
	for _, key := range r.old {
		if key.String() != r.next.String() {
			both = append(both, key)
		}
	}
	if err := r.config.step(func() error {
		return replaceFile(v.path(rotationFile), []byte(r.next.Recipient().String()+"\n"))
	}); err != nil {
		return RotationResult{}, fmt.Errorf("begin the rotation: %w", err)
	}
	if done.AsideFolder, err = v.setAside(done.Lost, clock.OrSystem(r.config.Clock).Now()); err != nil {
		return RotationResult{}, err
	}
	if err := v.rewrite(r.config, plain, both...); err != nil {
		return RotationResult{}, err
	}
	if err := r.config.step(func() error { return v.keys.write(r.next) }); err != nil {
		return RotationResult{}, fmt.Errorf("put the new key in its place: %w", err)
	}
	return done, v.finishRotation(r.config, plain, r.next)
}

// step does something durable; a crash may come before or after it.
func (r RotationConfig) step(do func() error) error {
	if r.beforeStep != nil {
		if err := r.beforeStep(); err != nil {
			return err
		}
	}
	return do()
}

// rewrite encrypts entries again, and replaces them.
func (v *Vault) rewrite(options RotationConfig, plain map[string][]byte, keys ...*age.X25519Identity) error {
	for name, text := range plain {
		encrypted, err := encrypt(text, keys...)
		if err == nil {
			err = options.step(func() error { return replaceFile(v.entryPath(name), encrypted) })
		}
		if err != nil {
			return fmt.Errorf("encrypt the vault's entry of %q: %w", name, err)
		}
	}
	return nil
}

// finishRotation leaves all entries encrypted for the stored key, and nothing
// of another.
func (v *Vault) finishRotation(options RotationConfig, plain map[string][]byte, key *age.X25519Identity) error {
	if err := options.step(func() error {
		return replaceFile(v.path(recipientFile), []byte(key.Recipient().String()+"\n"))
	}); err != nil {
		return fmt.Errorf("end the rotation: %w", err)
	}
	if err := v.rewrite(options, plain, key); err != nil {
		return err
	}
	if _, inFile := v.keys.(fileKeyStore); !inFile {
		err := options.step(func() error { return os.Remove(fileKeyStore{v.folder}.path()) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the old key: %w", err)
		}
	}
	if err := options.step(func() error { return os.Remove(v.path(rotationFile)) }); err != nil {
		return fmt.Errorf("end the rotation: %w", err)
	}
	return syncFolder(v.folder)
}

// resumeRotation ends an interrupted rotation with the stored key. Where that
// does not open all entries the rotation has to be made again.
func (v *Vault) resumeRotation(ctx context.Context) error {
	release, err := v.lock(ctx, ".lock", true)
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Stat(v.path(rotationFile)); err != nil {
		return nil // another process ended it
	}
	names, err := v.Names()
	if err != nil {
		return err
	}
	key, err := v.keys.read()
	if err != nil {
		return &KeyError{Text: fmt.Sprintf("a rotation of the key was cut off, and the key in %s cannot be read: %v", v.keys.location(), err), Advice: rotateAgain, Names: names}
	}
	plain := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(v.entryPath(name))
		if err != nil {
			return err
		}
		if plain[name], err = decrypt(text, key); err != nil {
			return &KeyError{Text: fmt.Sprintf("a rotation of the key was cut off, and the key in %s does not open all of it", v.keys.location()), Advice: rotateAgain, Names: names}
		}
	}
	return v.finishRotation(RotationConfig{}, plain, key)
}

// setAside moves the entries of connections into a folder of their own.
func (v *Vault) setAside(names []string, now time.Time) (folder string, err error) {
	if len(names) == 0 {
		return "", nil
	}
	folder = v.path("aside-" + now.UTC().Format("20060102T150405.000"))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", fmt.Errorf("set aside what cannot be opened: %w", err)
	}
	for _, name := range names {
		if err := os.Rename(v.entryPath(name), filepath.Join(folder, fileName(name)+entrySuffix)); err != nil {
			return "", fmt.Errorf("set aside what cannot be opened: %w", err)
		}
	}
	return folder, errors.Join(syncFolder(folder), syncFolder(v.folder))
}
