package file_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/tidewire/tidewire/engine/file"
)

// The hash of "hello".
const hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

func TestStore(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "files")
	s := file.New(dir, 8)
	for range 2 { // the second time it is stored already
		hash, size, err := s.Put(strings.NewReader("hello"))
		if err != nil || hash != hello || size != 5 {
			t.Fatalf("got %s, %d, %v", hash, size, err)
		}
	}
	text, err := s.Read(hello, 5)
	if err != nil || string(text) != "hello" {
		t.Errorf("read %q, %v", text, err)
	}
	if _, err := s.Read(hello, 4); !errors.Is(err, file.ErrTooLarge) {
		t.Errorf("more than asked for: %v", err)
	}
	for _, name := range []string{"../../etc/passwd", "", hello[:63], strings.ToUpper(hello), strings.Repeat("0", 64)} {
		if _, err := s.Open(name); !errors.Is(err, file.ErrNotFound) {
			t.Errorf("open %q: %v", name, err)
		}
	}
	if n := count(t, dir); n != 1 {
		t.Errorf("%d files in the folder", n)
	}
}

func TestFailedPutLeavesNoFile(t *testing.T) {
	dir := t.TempDir()
	s := file.New(dir, 8)
	if _, _, err := s.Put(strings.NewReader("more than 8 bytes")); !errors.Is(err, file.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	broken := errors.New("cut")
	if _, _, err := s.Put(io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("cut off: %v", err)
	}
	if n := count(t, dir); n != 0 {
		t.Errorf("%d files are left", n)
	}
}

func TestPrune(t *testing.T) {
	dir := t.TempDir()
	s := file.New(dir, 0)
	var hashes []string
	for _, text := range []string{"needed", "old", "new"} {
		hash, _, err := s.Put(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	half := filepath.Join(dir, "part-1")
	if err := os.WriteFile(half, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-time.Hour)
	for _, name := range []string{half, filepath.Join(dir, hashes[0][:2], hashes[0]), filepath.Join(dir, hashes[1][:2], hashes[1])} {
		if err := os.Chtimes(name, long, long); err != nil {
			t.Fatal(err)
		}
	}
	needed := func(_ context.Context, hash string) (bool, error) { return hash == hashes[0], nil }
	n, err := s.Prune(t.Context(), time.Now().Add(-time.Minute), needed)
	if err != nil || n != 2 {
		t.Errorf("pruned %d, %v; expected the old one and the half one", n, err)
	}
	for i, want := range []bool{true, false, true} {
		if _, err := s.Read(hashes[i], 100); (err == nil) != want {
			t.Errorf("file %d: %v", i, err)
		}
	}
	if n, err := file.New(filepath.Join(dir, "none"), 0).Prune(t.Context(), time.Now(), needed); n != 0 || err != nil {
		t.Errorf("a folder that is not there: %d, %v", n, err)
	}
}

func count(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return n
}
