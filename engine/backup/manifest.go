package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// Format is the version of the archives that Write makes and Restore reads.
const Format = 1

const (
	manifestName = "manifest.json"
	filesFolder  = "files"
	vaultFolder  = "vault"
	keyName      = vaultFolder + "/" + connection.KeyFile
)

// The bounds of what is read of an archive before its checksums are compared.
const (
	maxManifest = 256 << 20 // bytes; an entry has about 200
	maxName     = 512       // bytes
)

// Manifest describes an archive.
type Manifest struct {
	Format   int       `json:"format"`
	Tidewire string    `json:"tidewire"` // the version of the program that made it
	Schema   int       `json:"schema"`   // of the journal
	Created  time.Time `json:"created"`  // when the copy of the journal was begun
	// Key is where the vault's key is.
	Key     Key     `json:"key"`
	Entries []Entry `json:"entries"`
}

// Key is where the key of an archive's vault is.
type Key string

// The places of a key.
const (
	KeyNone      Key = "none"      // there is no vault
	KeyIncluded  Key = "included"  // in the archive
	KeyLeftOut   Key = "left_out"  // it was left out on demand
	KeyElsewhere Key = "elsewhere" // in the configuration, or in the keyring of a machine
)

// Entry is a file of the data folder.
type Entry struct {
	Name   string `json:"name"` // its path in the data folder, with slashes
	Size   int64  `json:"size"` // in bytes
	SHA256 string `json:"sha256"`
}

var hash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// parseManifest reads a manifest and checks it.
func parseManifest(text []byte) (m Manifest, err error) {
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return m, fmt.Errorf("the manifest is not JSON: %w", err)
	}
	if format.Format != Format {
		return m, fmt.Errorf("it has format %d, this Tidewire reads format %d; use the Tidewire that made it, or a newer one", format.Format, Format)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("the manifest cannot be read: %w", err)
	}
	return m, m.check()
}

func (m *Manifest) check() error {
	known, err := sqlite.SchemaVersion()
	switch {
	case err != nil:
		return err
	case m.Schema > known:
		return fmt.Errorf("%w: the journal has version %d, this Tidewire (schema %d) reads up to %d; restore it with the newer Tidewire that made it (%s)",
			journal.ErrNewer, m.Schema, known, known, m.Tidewire)
	}
	names := map[string]bool{}
	for _, e := range m.Entries {
		if err := e.check(); err != nil {
			return fmt.Errorf("the manifest has the entry %.80q: %w", e.Name, err)
		}
		if names[e.Name] {
			return fmt.Errorf("the manifest has the entry %q twice", e.Name)
		}
		names[e.Name] = true
	}
	if !names[sqlite.FileName] {
		return fmt.Errorf("the manifest has no %s", sqlite.FileName)
	}
	if names[keyName] != (m.Key == KeyIncluded) {
		return fmt.Errorf("the manifest has key %q, which does not fit its entries", m.Key)
	}
	return nil
}

// check refuses an entry that a data folder cannot have.
func (e Entry) check() error {
	switch {
	case len(e.Name) > maxName || !fs.ValidPath(e.Name) || strings.ContainsAny(e.Name, "\\:\x00"):
		return errors.New("this is no path inside of a data folder")
	case e.Size < 0:
		return fmt.Errorf("its size is %d", e.Size)
	case !hash.MatchString(e.SHA256):
		return fmt.Errorf("its checksum is %.80q, expected 64 digits", e.SHA256)
	}
	part := strings.Split(e.Name, "/")
	switch {
	case e.Name == sqlite.FileName, e.Name == dashboard.KeyFile:
		return nil
	case part[0] == vaultFolder && (len(part) == 2 || len(part) == 3) && !strings.Contains(e.Name, "/."):
		return nil
	case part[0] == filesFolder && len(part) == 3 && part[2] == e.SHA256 && part[1] == e.SHA256[:2]:
		return nil
	}
	return errors.New("a data folder has no such file, or its name is not that of its checksum")
}
