package sqlite_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal/journaltest"
	"github.com/tidewire/tidewire/engine/journal/sqlite"
)

// TestReadOnlyFolder opens a journal in a folder that cannot be written: it can be
// read, and the error of what needs more has what to do.
func TestReadOnlyFolder(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root writes every file")
	}
	folder := journaltest.Folder(t)
	path := filepath.Join(folder, sqlite.FileName)
	store, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err := errors.Join(err, sqlite.CheckWritable(path)); err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if err := os.Chmod(filepath.Join(folder, entry.Name()), 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(folder, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(folder, 0o700) })

	if err := sqlite.CheckWritable(path); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("the folder counts as writable: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Path: path}); !errors.Is(err, sqlite.ErrReadOnly) || !strings.Contains(err.Error(), "make the data folder writable for you, or copy it") {
		t.Errorf("a store opens with %v", err)
	}
	reader, err := sqlite.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if problems, err := reader.QuickCheck(t.Context()); err != nil || len(problems) > 0 {
		t.Errorf("the check of the file: %v, %v", problems, err)
	}
}
