package backup

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/control"
	"github.com/tidewire/tidewire/engine/file"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/datafile"
	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

const (
	attachment = "the content of an attachment"
	scan       = "the content of a scan"
)

// stored returns the path of a stored file in the data folder.
func stored(content string) string {
	sum := sha256.Sum256([]byte(content))
	hash := hex.EncodeToString(sum[:])
	return "files/" + hash[:2] + "/" + hash
}

// installation is a data folder with one run that uses a file, whose event has
// another one, and a vault.
type installation struct {
	*testing.T
	data  string
	run   string
	store *sqlite.Store // nil: closed
	files *file.Store
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	data := filepath.Join(journaltest.Folder(t), "data")
	f := &installation{T: t, data: data, files: file.New(filepath.Join(data, filesFolder), 0)}
	f.do(os.MkdirAll(filepath.Join(data, "vault", "aside-1"), 0o700))
	for name, text := range map[string]string{
		"approval.key": strings.Repeat("k", 32), "vault/key": "AGE-SECRET-KEY-1", "vault/recipient": "age1", "vault/crm@paris.age": "secret",
		"vault/.lock": "", "vault/.new-1": "half", "vault/aside-1/old.age": "older",
	} {
		f.do(os.WriteFile(filepath.Join(data, name), []byte(text), 0o600))
	}
	f.open()
	hash, _, err := f.files.Put(strings.NewReader(attachment))
	f.do(err)
	h := &journal.Hook{Script: "crm", Name: "new", Version: "v1", Triggers: []string{"crm.contact.created"}}
	scanned, _, err := f.files.Put(strings.NewReader(scan))
	f.do(err)
	e := journal.Event{Request: &journal.Request{Stored: []string{scanned}}, ID: "crm:1", Type: "crm.contact.created", Time: time.Now(), Data: []byte(`{}`), Source: journal.Webhook}
	receipts, err := f.store.Accept(t.Context(), journal.Arrival{Event: e, Hooks: []*journal.Hook{h}})
	f.do(err)
	f.run = receipts[0].Runs[0]
	a, err := f.store.Next(t.Context())
	f.do(err)
	step := journal.Step{Number: 1, Name: "http.get", State: journal.Done, Started: time.Now()}
	_, err = f.store.Record(t.Context(), journal.Lease{Run: a.Run.ID, Epoch: a.Epoch}, step, journal.Effect{File: hash})
	f.do(err)
	return f
}

func (f *installation) do(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *installation) open() {
	f.Helper()
	var err error
	f.store, err = sqlite.Open(f.Context(), sqlite.Config{Path: filepath.Join(f.data, sqlite.FileName)})
	f.do(err)
	f.Cleanup(f.close)
}

func (f *installation) close() {
	f.Helper()
	if f.store != nil {
		f.do(f.store.Close())
		f.store = nil
	}
}

func (f *installation) config() Config {
	return Config{Data: f.data, Journal: f.store, Files: f.files, Clock: clock.System, Tidewire: "v1.2.3"}
}

// write writes an archive.
func (f *installation) write(options control.BackupOptions) (string, control.Backup) {
	f.Helper()
	options.File = filepath.Join(journaltest.Folder(f.T), "backup.tar.gz")
	done, err := Write(f.Context(), f.config(), options)
	f.do(err)
	return options.File, done
}

// contents returns the files of a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			if info.Mode().Perm() != 0o700 {
				t.Errorf("%s has mode %v", path, info.Mode())
			}
			return nil
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		name, _ := filepath.Rel(folder, path)
		text, err := os.ReadFile(path)
		all[filepath.ToSlash(name)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRoundTrip(t *testing.T) {
	for name, options := range map[string]control.BackupOptions{"with the key": {}, "without the key": {WithoutKey: true}} {
		t.Run(name, func(t *testing.T) {
			f := newInstallation(t)
			archive, done := f.write(options)
			info, err := os.Stat(archive)
			f.do(err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("the archive has mode %v", info.Mode())
			}
			left, err := os.ReadDir(filepath.Dir(archive))
			if err != nil || len(left) != 1 {
				t.Errorf("beside the archive: %v, %v", left, err)
			}
			f.close()
			before := contents(t, f.data)
			restored, err := Restore(t.Context(), archive, f.data, clock.System)
			f.do(err)
			if restored.Paused != 1 || restored.Manifest.Tidewire != "v1.2.3" || string(restored.Manifest.Key) != done.Key {
				t.Errorf("found %+v", restored)
			}
			if aside := contents(t, restored.Aside); !maps.Equal(aside, before) {
				t.Errorf("aside are %q, expected what was in the data folder", slices.Sorted(maps.Keys(aside)))
			}
			after := contents(t, f.data)
			want := []string{"approval.key", stored(scan), stored(attachment), "lock", "tidewire.db", "vault/aside-1/old.age", "vault/crm@paris.age"}
			if key := KeyLeftOut; !options.WithoutKey {
				want, key = append(want, "vault/key"), KeyIncluded
				if Key(done.Key) != key {
					t.Errorf("the key is %s", done.Key)
				}
			}
			want = append(want, "vault/recipient")
			if found := slices.Sorted(maps.Keys(after)); !slices.Equal(found, want) {
				t.Errorf("found %q, expected %q", found, want)
			}
			for _, name := range want {
				if name != "tidewire.db" && name != "lock" && after[name] != before[name] {
					t.Errorf("%s is %q, expected %q", name, after[name], before[name])
				}
			}
			f.open()
			run, steps, err := f.store.Run(t.Context(), f.run)
			if err != nil || run.State != journal.Paused || run.Reason != journal.Restored || len(steps) != 1 {
				t.Errorf("found %+v, %d steps, %v", run, len(steps), err)
			}
		})
	}
}

// A backup of a folder without an engine has the lock meanwhile.
func TestWriteStopped(t *testing.T) {
	f := newInstallation(t)
	options := control.BackupOptions{File: filepath.Join(journaltest.Folder(t), "backup.tar.gz")}
	if _, err := WriteStopped(t.Context(), f.data, "", options); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("with an engine: %v", err)
	}
	f.close()
	if _, err := WriteStopped(t.Context(), f.data, "", options); err != nil {
		t.Error(err)
	}
	if _, err := WriteStopped(t.Context(), f.data, "", options); !errors.Is(err, journal.ErrExists) {
		t.Errorf("a second backup into the file: %v", err)
	}
	if _, err := WriteStopped(t.Context(), t.TempDir(), "", options); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a journal: %v", err)
	}
}

// journalFunc is a Journal that does something else before or after it copies.
type journalFunc func(ctx context.Context, file string) error

func (j journalFunc) Backup(ctx context.Context, file string) error { return j(ctx, file) }

// No file that the copy of the journal refers to is removed before it is in the
// archive; files that come or go meanwhile break nothing.
func TestFilesChangeDuringBackup(t *testing.T) {
	f := newInstallation(t)
	c := f.config()
	remove := func() int {
		n, err := f.files.Prune(t.Context(), time.Now().Add(time.Hour), func(context.Context, string) (bool, error) { return false, nil })
		f.do(err)
		return n
	}
	c.Journal = journalFunc(func(ctx context.Context, file string) error {
		err := f.store.Backup(ctx, file)
		if n := remove(); n != 0 {
			t.Errorf("%d files were removed during a backup", n)
		}
		_, _, putErr := f.files.Put(strings.NewReader("another"))
		return errors.Join(err, putErr)
	})
	file := filepath.Join(journaltest.Folder(t), "one.tar.gz")
	done, err := Write(t.Context(), c, control.BackupOptions{File: file})
	if err != nil || len(done.Warnings) > 0 {
		t.Errorf("found %+v, %v", done, err)
	}
	for name, spoil := range map[string]func(path string) error{
		"is damaged":                func(path string) error { return os.WriteFile(path, []byte("other"), 0o600) },
		"is not in the data folder": os.Remove,
	} {
		f.do(spoil(filepath.Join(f.data, stored(attachment))))
		file, done := f.write(control.BackupOptions{})
		if len(done.Warnings) != 1 || !strings.Contains(done.Warnings[0], name) {
			t.Errorf("the warnings are %q, expected one with %q", done.Warnings, name)
		}
		if _, err := Restore(t.Context(), file, filepath.Join(t.TempDir(), "data"), clock.System); err != nil {
			t.Error(err)
		}
		if _, _, err := f.files.Put(strings.NewReader(attachment)); err != nil {
			t.Fatal(err)
		}
	}
	if n := remove(); n == 0 {
		t.Error("after the backups no file is removed")
	}
}

// entry is an entry of an archive that a test makes.
type entry struct {
	tar.Header
	text string
}

// unpack returns the entries of an archive.
func unpack(t *testing.T, archive string) (all []entry) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		text, readErr := io.ReadAll(r)
		if err = errors.Join(err, readErr); err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, string(text)})
	}
}

// packAll writes an archive of entries, with their sizes.
func packAll(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		h := tar.Header{Typeflag: e.Typeflag, Name: e.Name, Linkname: e.Linkname, Mode: e.Mode, Size: int64(len(e.text))}
		err := w.WriteHeader(&h)
		if err == nil {
			_, err = io.WriteString(w, e.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// edit changes the manifest of entries.
func edit(t *testing.T, all []entry, change func(m *Manifest)) []entry {
	t.Helper()
	var m Manifest
	if err := json.Unmarshal([]byte(all[0].text), &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.Clone(all)
	all[0].text = string(text)
	return all
}

// listed adds an entry with its checksum in the manifest.
func listed(t *testing.T, all []entry, name, text string) []entry {
	all = edit(t, all, func(m *Manifest) {
		sum := sha256.Sum256([]byte(text))
		m.Entries = append(m.Entries, Entry{name, int64(len(text)), hex.EncodeToString(sum[:])})
	})
	return append(all, entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600}, text})
}

func indexOf(all []entry, name string) int {
	return slices.IndexFunc(all, func(e entry) bool { return e.Name == name })
}

// A refused archive changes nothing.
func TestRefusals(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	f.close()
	whole, err := os.ReadFile(archive)
	f.do(err)
	all := unpack(t, archive)
	schema, err := sqlite.SchemaVersion()
	f.do(err)
	extra := entry{tar.Header{Typeflag: tar.TypeReg, Name: "vault/extra.age", Mode: 0o600}, "x"}
	without := func(name string) []entry {
		return slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return e.Name == name })
	}
	replaced := func(name, text string) []entry {
		changed := slices.Clone(all)
		changed[indexOf(all, name)].text = text
		return changed
	}
	link := func(kind byte) []entry {
		changed := replaced("vault/recipient", "")
		i := indexOf(all, "vault/recipient")
		changed[i].Typeflag, changed[i].Linkname = kind, "/etc/passwd"
		return edit(t, changed, func(m *Manifest) {
			sum := sha256.Sum256(nil)
			for j := range m.Entries {
				if m.Entries[j].Name == "vault/recipient" {
					m.Entries[j].Size, m.Entries[j].SHA256 = 0, hex.EncodeToString(sum[:])
				}
			}
		})
	}
	database := []byte(all[indexOf(all, sqlite.FileName)].text)
	damaged := slices.Clone(database)
	for i := 4096; i < len(damaged); i += 512 {
		copy(damaged[i:], "damaged damaged damaged damaged damaged damaged")
	}
	// with replaces the journal, and its checksum.
	with := func(text []byte) []entry {
		changed := replaced(sqlite.FileName, string(text))
		return edit(t, changed, func(m *Manifest) {
			sum := sha256.Sum256(text)
			for j := range m.Entries {
				if m.Entries[j].Name == sqlite.FileName {
					m.Entries[j].Size, m.Entries[j].SHA256 = int64(len(text)), hex.EncodeToString(sum[:])
				}
			}
		})
	}
	newer := slices.Clone(database)
	newer[60], newer[61], newer[62], newer[63] = 0, 0, 3, 231 // the user version in SQLite's header: 999
	for name, c := range map[string]struct {
		archive []byte
		want    string
	}{
		"empty":                    {nil, "it is no backup of Tidewire"},
		"another file":             {[]byte("#!/bin/sh\necho hello"), "it is no backup of Tidewire: it begins with"},
		"a copy of a journal":      {database, "it is the copy of a journal alone"},
		"no manifest":              {packAll(t, all[1:]), "its first entry is not manifest.json"},
		"nothing":                  {packAll(t, nil), "its first entry is not manifest.json"},
		"manifest is not first":    {packAll(t, append(slices.Clone(all[1:]), all[0])), "its first entry is not manifest.json"},
		"manifest is not JSON":     {packAll(t, replaced(manifestName, "hello")), "the manifest is not JSON"},
		"newer format":             {packAll(t, edit(t, all, func(m *Manifest) { m.Format = 2 })), "it has format 2, this Tidewire reads format 1"},
		"newer schema":             {packAll(t, edit(t, all, func(m *Manifest) { m.Schema = schema + 1 })), "newer Tidewire"},
		"newer journal":            {packAll(t, with(newer)), "it has version 999, this one reads up to"},
		"damaged journal":          {packAll(t, with(damaged)), "the journal is damaged"},
		"no journal":               {packAll(t, with([]byte("SQLite format 4"))), "the journal is damaged"},
		"empty journal":            {packAll(t, with(nil)), "the journal is damaged"},
		"entry that is not listed": {packAll(t, append(slices.Clone(all), extra)), `"vault/extra.age" is not in the manifest`},
		"entry twice":              {packAll(t, append(slices.Clone(all), all[1])), "is not in the manifest, or is there twice"},
		"listed twice":             {packAll(t, edit(t, all, func(m *Manifest) { m.Entries = append(m.Entries, m.Entries[0]) })), "twice"},
		"entry is missing":         {packAll(t, without("vault/recipient")), `the entry "vault/recipient" is missing`},
		"journal is not listed": {packAll(t, edit(t, all, func(m *Manifest) {
			m.Entries = slices.DeleteFunc(m.Entries, func(e Entry) bool { return e.Name == sqlite.FileName })
		})), "the manifest has no tidewire.db"},
		"other size":     {packAll(t, replaced("vault/recipient", "age11")), "has 5 bytes, its manifest has 4"},
		"other content":  {packAll(t, replaced("vault/recipient", "age2")), "has the checksum"},
		"symbolic link":  {packAll(t, link(tar.TypeSymlink)), "only files are allowed"},
		"hard link":      {packAll(t, link(tar.TypeLink)), "only files are allowed"},
		"parent folder":  {packAll(t, listed(t, all, "vault/../../escaped", "x")), "no path inside of a data folder"},
		"absolute":       {packAll(t, listed(t, all, "/tmp/escaped", "x")), "no path inside of a data folder"},
		"backslash":      {packAll(t, listed(t, all, `vault\..\..\escaped`, "x")), "no path inside of a data folder"},
		"unknown file":   {packAll(t, listed(t, all, "tidewire.db-wal", "x")), "a data folder has no such file"},
		"hidden file":    {packAll(t, listed(t, all, "vault/.lock", "x")), "a data folder has no such file"},
		"name of a file": {packAll(t, listed(t, all, "files/aa/"+strings.Repeat("a", 64), "x")), "not that of its checksum"},
		"more at the end": {func() []byte {
			return append(slices.Clone(whole), packAll(t, nil)...)
		}(), "more after its last entry"},
		"other bytes at the end": {append(slices.Clone(whole), "hello"...), "its end is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			refuses(t, f.data, c.archive, c.want)
		})
	}
}

// refuses checks that an archive is refused, and that nothing was changed.
func refuses(t *testing.T, data string, archive []byte, want string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "archive")
	if err := os.WriteFile(file, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	before := contents(t, data)
	_, err := Restore(t.Context(), file, data, clock.System)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("found the error %v, expected one with %q", err, want)
	}
	if !maps.Equal(contents(t, data), before) {
		t.Error("the data folder was changed")
	}
	if entries, err := os.ReadDir(filepath.Dir(data)); err != nil || len(entries) != 1 {
		t.Errorf("beside the data folder: %v, %v", entries, err)
	}
}

// An archive that is cut off anywhere is refused, and so is one with a changed byte,
// unless the byte has no meaning.
func TestDamagedArchive(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	f.close()
	whole, err := os.ReadFile(archive)
	f.do(err)
	read := func(text []byte) (map[string]string, error) {
		folder := t.TempDir()
		f.do(os.Chmod(folder, 0o700))
		root, err := os.OpenRoot(folder)
		f.do(err)
		defer root.Close()
		_, err = extract(t.Context(), bytes.NewReader(text), root)
		if err != nil {
			return nil, err
		}
		return contents(t, folder), nil
	}
	want, err := read(whole)
	f.do(err)
	for n := 0; n < len(whole); n += 1 + len(whole)/150 {
		if _, err := read(whole[:n]); err == nil {
			t.Errorf("an archive of which %d of %d bytes are left was read", n, len(whole))
		}
	}
	for i := 0; i < len(whole); i += 1 + len(whole)/300 {
		changed := slices.Clone(whole)
		changed[i] ^= 0x10
		if found, err := read(changed); err == nil && !maps.Equal(found, want) {
			t.Errorf("byte %d was changed, and another content was read", i)
		}
	}
	// Cut off in each entry, in a stream that is complete.
	all := unpack(t, archive)
	for i := range all {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, e := range all[:i] {
			f.do(w.WriteHeader(&e.Header))
			_, err := io.WriteString(w, e.text)
			f.do(err)
		}
		f.do(w.WriteHeader(&all[i].Header))
		_, err := io.WriteString(w, all[i].text[:len(all[i].text)/2])
		f.do(err)
		f.do(z.Close())
		if _, err := read(b.Bytes()); err == nil {
			t.Errorf("an archive that ends in %s was read", all[i].Name)
		}
	}
}

// FuzzExtract: whatever an archive has, only files of a data folder are written, and
// no more than their sizes.
func FuzzExtract(f *testing.F) {
	text := `{"format":1,"schema":1,"key":"none","entries":[{"name":"tidewire.db","size":1,"sha256":"` + strings.Repeat("0", 64) + `"}]}`
	f.Add([]byte(text), "tidewire.db", []byte("x"), byte(tar.TypeReg))
	f.Add([]byte(strings.Replace(text, "tidewire.db", "../x", 1)), "../x", []byte("x"), byte(tar.TypeReg))
	f.Add([]byte(`{"format":2}`), "vault/a", []byte("x"), byte(tar.TypeSymlink))
	f.Fuzz(func(t *testing.T, manifest []byte, name string, content []byte, kind byte) {
		m, err := parseManifest(manifest)
		if err == nil {
			for _, e := range m.Entries {
				if !filepath.IsLocal(filepath.FromSlash(e.Name)) || e.Size < 0 {
					t.Fatalf("the manifest was accepted with the entry %+v", e)
				}
			}
		}
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, e := range []entry{{tar.Header{Typeflag: tar.TypeReg, Name: manifestName}, string(manifest)}, {tar.Header{Typeflag: kind, Name: name, Linkname: "x"}, string(content)}} {
			e.Size = int64(len(e.text))
			if w.WriteHeader(&e.Header) != nil {
				return
			}
			_, _ = io.WriteString(w, e.text)
		}
		_, _ = w.Close(), z.Close()
		parent := t.TempDir()
		folder := filepath.Join(parent, "in")
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(folder)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		_, extractErr := extract(t.Context(), &b, root)
		if outside, err := os.ReadDir(parent); err != nil || len(outside) != 1 {
			t.Fatalf("%v was written outside, %v", outside, err)
		}
		if extractErr == nil && len(contents(t, folder)) != len(m.Entries) {
			t.Fatalf("found %v, expected %v", contents(t, folder), m.Entries)
		}
		// The same bytes as an archive, without tar or gzip of ours.
		_, _ = extract(t.Context(), bytes.NewReader(content), root)
	})
}

func TestRestoreRefusesEngine(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	if _, err := Restore(t.Context(), archive, f.data, clock.System); !errors.Is(err, journal.ErrLocked) {
		t.Errorf("found %v", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(f.data)); err != nil || len(entries) != 1 {
		t.Errorf("beside the data folder: %v, %v", entries, err)
	}
}

func TestRestoreToNewFolder(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	data := filepath.Join(t.TempDir(), "some", "where")
	done, err := Restore(t.Context(), archive, data, clock.System)
	if err != nil || done.Aside != "" {
		t.Errorf("found %+v, %v", done, err)
	}
	f.close()
	f.data = data
	f.open()
	if _, _, err := f.store.Run(t.Context(), f.run); err != nil {
		t.Error(err)
	}
}

// A data folder behind a symbolic link is replaced where it is.
func TestRestoreThroughLink(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	f.close()
	link := filepath.Join(t.TempDir(), "link")
	f.do(os.Symlink(f.data, link))
	done, err := Restore(t.Context(), archive, link, clock.System)
	f.do(err)
	if filepath.Dir(done.Aside) != filepath.Dir(f.data) {
		t.Errorf("the folder from before is in %s", done.Aside)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}

func TestBackupIntoDataFolder(t *testing.T) {
	f := newInstallation(t)
	for _, below := range []string{"", "vault"} {
		f.do(os.MkdirAll(filepath.Join(f.data, below), 0o700))
		file := filepath.Join(f.data, below, "backup")
		_, err := Write(t.Context(), Config{Data: f.data}, control.BackupOptions{File: file})
		if err == nil || !strings.Contains(err.Error(), "would be in the folder itself") {
			t.Errorf("%s: found %v", file, err)
		}
	}
}

// A restore that fails leaves no lock file in a folder that had none.
func TestFailedRestoreLeavesNoLock(t *testing.T) {
	folder := t.TempDir()
	archive, data := filepath.Join(folder, "archive"), filepath.Join(folder, "data")
	if err := errors.Join(os.WriteFile(archive, []byte("other"), 0o600), os.Mkdir(data, 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), archive, data, clock.System); err == nil {
		t.Fatal("it is restored")
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) > 0 {
		t.Errorf("in the data folder: %v, %v", entries, err)
	}
}

// If the new folder cannot be put in place, the one from before is put back.
func TestRestorePutsBack(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	f.close()
	before := contents(t, f.data)
	r := &restore{data: f.data, clock: clock.System}
	r.between = func() { // what the new folder is made of is gone
		parts, err := filepath.Glob(filepath.Join(filepath.Dir(f.data), ".data.*.tidewire-part", "data"))
		if err != nil || len(parts) != 1 {
			t.Fatalf("found %q, %v", parts, err)
		}
		f.do(os.Rename(parts[0], parts[0]+"-moved"))
	}
	if _, err := r.run(t.Context(), archive); err == nil || !strings.Contains(err.Error(), "the data folder is as before") {
		t.Errorf("found the error %v", err)
	}
	if !maps.Equal(contents(t, f.data), before) {
		t.Error("the data folder was changed")
	}
	if entries, err := os.ReadDir(filepath.Dir(f.data)); err != nil || len(entries) != 1 {
		t.Errorf("beside the data folder: %v, %v", entries, err)
	}
}

// A restore that is killed between its renames leaves the folder from before, which is
// found, and it can be made again.
func TestRestoreIsCutOff(t *testing.T) {
	f := newInstallation(t)
	archive, _ := f.write(control.BackupOptions{})
	f.close()
	before := contents(t, f.data)
	killRestore(t, archive, f.data)
	aside := datafile.UnfinishedRestore(f.data)
	if aside == "" {
		t.Fatal("the folder from before is not found")
	}
	after := contents(t, aside)
	delete(before, "lock") // it has the process
	delete(after, "lock")
	if !maps.Equal(after, before) {
		t.Error("the folder from before was changed")
	}
	done, err := Restore(t.Context(), archive, f.data, clock.System)
	if err != nil || done.Aside != "" {
		t.Errorf("found %+v, %v", done, err)
	}
	if found := datafile.UnfinishedRestore(f.data); found != "" {
		t.Errorf("found %q", found)
	}
	if parts, err := filepath.Glob(filepath.Join(filepath.Dir(f.data), ".*")); err != nil || len(parts) > 0 {
		t.Errorf("left are %q, %v", parts, err)
	}
}
