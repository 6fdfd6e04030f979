package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// Journal makes a consistent copy of a journal.
type Journal interface {
	Backup(ctx context.Context, file string) error
}

// Config is what Write needs. All fields but Tidewire are required.
type Config struct {
	Data     string // the data folder
	Journal  Journal
	Files    *file.Store
	Clock    clock.Clock
	Tidewire string // the version of this program
}

// Write writes an archive to a file that must not exist (journal.ErrExists). The file
// is complete when it gets its name, and only its owner may read it. What a copy that
// was cut off has left in the folder is removed.
//
// The files in the archive are those that the runs in the copy of the journal use;
// none is removed until they are in the archive. One that is not there any more, or is
// damaged, is in the warnings.
func Write(ctx context.Context, c Config, options control.BackupOptions) (done control.Backup, err error) {
	if inside(c.Data, options.File) {
		return done, fmt.Errorf("back up the data folder %q: the file %q would be in the folder itself, which a restore moves aside; name one elsewhere", c.Data, options.File)
	}
	a := archive{Config: c, withoutKey: options.WithoutKey}
	err = datafile.MakeNew(options.File, func(part string) error {
		return c.Files.Retain(func() error {
			copied, err := os.MkdirTemp(filepath.Dir(part), "journal-")
			if err != nil {
				return err
			}
			if err := a.collect(ctx, filepath.Join(copied, sqlite.FileName)); err != nil {
				return err
			}
			return a.write(ctx, part)
		})
	})
	if err != nil {
		return done, fmt.Errorf("back up the data folder %q: %w", c.Data, err)
	}
	for _, e := range a.manifest.Entries {
		done.Bytes += e.Size
	}
	done.Files, done.Key, done.Warnings = len(a.manifest.Entries), string(a.manifest.Key), a.warnings
	return done, nil
}

// inside reports whether a file would be in a folder or below it.
func inside(folder, file string) bool {
	folder, err := filepath.EvalSymlinks(folder)
	parent, errParent := filepath.EvalSymlinks(filepath.Dir(file))
	if errors.Join(err, errParent) != nil {
		return false
	}
	folder, err = filepath.Abs(folder)
	parent, errParent = filepath.Abs(parent)
	return errors.Join(err, errParent) == nil && (parent == folder || strings.HasPrefix(parent, folder+string(filepath.Separator)))
}

// WriteStopped is Write for a data folder on which no engine runs. During the call it
// has the lock of the journal, which it brings to the newest version. If an engine has
// the lock the error is journal.ErrLocked.
func WriteStopped(ctx context.Context, data, tidewire string, options control.BackupOptions) (done control.Backup, err error) {
	path := filepath.Join(data, sqlite.FileName)
	if _, err := os.Stat(path); err != nil {
		return done, fmt.Errorf("there is no journal in the data folder %s: %w", data, err)
	}
	store, err := sqlite.Open(ctx, sqlite.Config{Path: path})
	if err != nil {
		return done, err
	}
	done, err = Write(ctx, Config{Data: data, Journal: store, Files: file.New(filepath.Join(data, filesFolder), 0), Clock: clock.System, Tidewire: tidewire}, options)
	return done, errors.Join(err, store.Close())
}

// archive is an archive that is being made.
type archive struct {
	Config
	withoutKey bool
	manifest   Manifest
	sources    []source // of the entries
	warnings   []string
}

// source is where the content of an entry is: in memory, or in a file.
type source struct {
	content []byte
	path    string
}

func (s source) open() (io.ReadCloser, error) {
	if s.path == "" {
		return io.NopCloser(bytes.NewReader(s.content)), nil
	}
	return os.Open(s.path)
}

func (a *archive) add(name string, s source) error {
	e, err := describe(name, s)
	if err == nil {
		a.manifest.Entries, a.sources = append(a.manifest.Entries, e), append(a.sources, s)
	}
	return err
}

func describe(name string, s source) (Entry, error) {
	content, err := s.open()
	if err != nil {
		return Entry{}, err
	}
	defer content.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, content)
	return Entry{name, size, hex.EncodeToString(sum.Sum(nil))}, err
}

// collect copies the journal and lists all entries. The journal is copied first: all
// files that its runs use were stored before it.
func (a *archive) collect(ctx context.Context, journalCopy string) error {
	schema, err := sqlite.SchemaVersion()
	if err != nil {
		return err
	}
	a.manifest = Manifest{Format: Format, Tidewire: a.Tidewire, Schema: schema, Created: a.Clock.Now().UTC().Truncate(time.Second)}
	if err := a.Journal.Backup(ctx, journalCopy); err != nil {
		return err
	}
	reader, err := sqlite.OpenImmutable(journalCopy)
	if err != nil {
		return err
	}
	hashes, err := reader.Files(ctx)
	if err := errors.Join(err, reader.Close()); err != nil {
		return err
	}
	if err := a.addKeys(ctx); err != nil {
		return err
	}
	if err := a.add(sqlite.FileName, source{path: journalCopy}); err != nil {
		return err
	}
	for _, hash := range hashes {
		if err := a.addFile(hash); err != nil {
			return err
		}
	}
	return nil
}

// addKeys adds the vault and the key of approval links.
func (a *archive) addKeys(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(a.Data, dashboard.KeyFile))
	if err == nil {
		err = a.add(dashboard.KeyFile, source{content: text})
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := connection.VaultFiles(ctx, a.Data)
	if err != nil {
		return err
	}
	_, inFile := files[connection.KeyFile]
	switch {
	case len(files) == 0:
		a.manifest.Key = KeyNone
	case inFile && a.withoutKey:
		a.manifest.Key = KeyLeftOut
		delete(files, connection.KeyFile)
	case inFile:
		a.manifest.Key = KeyIncluded
	default:
		a.manifest.Key = KeyElsewhere
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := a.add(vaultFolder+"/"+name, source{content: files[name]}); err != nil {
			return err
		}
	}
	return nil
}

// addFile adds a stored file.
func (a *archive) addFile(hash string) error {
	f, err := a.Files.Open(hash)
	if errors.Is(err, file.ErrNotFound) {
		a.warnings = append(a.warnings, fmt.Sprintf("the file %.12s, which runs use, is not in the data folder", hash))
		return nil
	}
	if err != nil {
		return err
	}
	path := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	e, err := describe(strings.Join([]string{filesFolder, hash[:2], hash}, "/"), source{path: path})
	switch {
	case err != nil:
		return err
	case e.SHA256 != hash:
		a.warnings = append(a.warnings, fmt.Sprintf("the file %s, which runs use, is damaged: its content is not that of its name; it was left out", path))
		return nil
	}
	a.manifest.Entries, a.sources = append(a.manifest.Entries, e), append(a.sources, source{path: path})
	return nil
}

// write writes the archive to a file.
func (a *archive) write(ctx context.Context, name string) (err error) {
	if err := a.manifest.check(); err != nil {
		return err // what could not be restored is not written
	}
	text, err := json.Marshal(a.manifest)
	if err != nil {
		return err
	}
	to, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	buffer := bufio.NewWriterSize(to, 1<<20)
	compressed, err := gzip.NewWriterLevel(buffer, gzip.BestSpeed)
	if err != nil {
		return err
	}
	entries := tar.NewWriter(compressed)
	if err := a.writeEntry(entries, manifestName, int64(len(text)), bytes.NewReader(text)); err != nil {
		return err
	}
	for i, e := range a.manifest.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.writeSource(entries, e, a.sources[i]); err != nil {
			return fmt.Errorf("write %s: %w", e.Name, err)
		}
	}
	return errors.Join(entries.Close(), compressed.Close(), buffer.Flush())
}

func (a *archive) writeEntry(to *tar.Writer, name string, size int64, content io.Reader) error {
	if err := to.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: a.manifest.Created}); err != nil {
		return err
	}
	_, err := io.CopyN(to, content, size)
	return err
}

func (a *archive) writeSource(to *tar.Writer, e Entry, s source) error {
	content, err := s.open()
	if err != nil {
		return err
	}
	defer content.Close()
	sum := sha256.New()
	if err := a.writeEntry(to, e.Name, e.Size, io.TeeReader(content, sum)); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != e.SHA256 {
		return errors.New("it was changed while it was read")
	}
	return nil
}

var _ Journal = journal.Store(nil)
