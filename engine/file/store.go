package file

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"
)

// The errors of a Store. They are wrapped.
var (
	// ErrTooLarge is the error for content over the bound.
	ErrTooLarge = errors.New("the file is too large")
	// ErrNotFound is the error for a hash that no stored file has.
	ErrNotFound = errors.New("the file is not stored any more")
)

// Store is a folder of files.
type Store struct {
	dir string
	// retained is held for reading while no file may be removed.
	retained sync.RWMutex
	// MaxBytes bounds the bytes of one file.
	MaxBytes int64
}

// DefaultMaxBytes bounds a file unless New gets another bound.
const DefaultMaxBytes = 256 << 20

// New returns a store in a folder, which is made when the first file is put.
// maxBytes is the bound of one file in bytes, zero for DefaultMaxBytes.
func New(dir string, maxBytes int64) *Store {
	if maxBytes <= 0 {
		maxBytes = DefaultMaxBytes
	}
	return &Store{dir: dir, MaxBytes: maxBytes}
}

// Put stores what it reads and returns its hash and its size in bytes. It
// returns when the file is durable; after an error nothing of it is left.
func (s *Store) Put(content io.Reader) (hash string, size int64, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return "", 0, fmt.Errorf("make the folder of files: %w", err)
	}
	part, err := os.CreateTemp(s.dir, partPrefix+"*")
	if err != nil {
		return "", 0, fmt.Errorf("begin a file: %w", err)
	}
	defer os.Remove(part.Name())
	defer part.Close()
	sum := sha256.New()
	size, err = io.Copy(io.MultiWriter(part, sum), io.LimitReader(content, s.MaxBytes+1))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("store a file: %w", err)
	case size > s.MaxBytes:
		return "", 0, fmt.Errorf("%w: it has more than %d MiB", ErrTooLarge, s.MaxBytes>>20)
	}
	if err := part.Sync(); err != nil {
		return "", 0, fmt.Errorf("store a file: %w", err)
	}
	hash = hex.EncodeToString(sum.Sum(nil))
	return hash, size, s.rename(part.Name(), hash)
}

// rename moves a complete file to its final name. It replaces a file that is there
// already: the content is the same, and the new modification time protects the
// file from a Prune that runs at the same time.
func (s *Store) rename(part, hash string) error {
	path, err := s.path(hash)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("store file %.12s: %w", hash, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("store file %.12s: %w", hash, err)
	}
	return errors.Join(syncFolder(folder), syncFolder(s.dir))
}

// Open reads a file. The caller closes it.
func (s *Store) Open(hash string) (*os.File, error) {
	path, err := s.path(hash)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w (%.12s)", ErrNotFound, hash)
	}
	if err != nil {
		return nil, fmt.Errorf("open file %.12s: %w", hash, err)
	}
	return f, nil
}

// Read returns the content of a file. A file of more than maxBytes is the error
// ErrTooLarge.
func (s *Store) Read(hash string, maxBytes int64) ([]byte, error) {
	f, err := s.Open(hash)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read file %.12s: %w", hash, err)
	case int64(len(content)) > maxBytes:
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, maxBytes)
	}
	return content, nil
}

// Retain calls do while no Prune of this Store removes a file.
func (s *Store) Retain(do func() error) error {
	s.retained.RLock()
	defer s.retained.RUnlock()
	return do()
}

// Prune removes the files for which needed reports false, and incomplete files,
// if they are older than before. It returns the number of files removed. During a
// Retain it removes none.
func (s *Store) Prune(ctx context.Context, before time.Time, needed func(ctx context.Context, hash string) (bool, error)) (n int, err error) {
	if !s.retained.TryLock() {
		return 0, nil
	}
	defer s.retained.Unlock()
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		if old, err := oldFile(d, before); err != nil || !old {
			return err
		}
		if hashName.MatchString(d.Name()) {
			if isNeeded, err := needed(ctx, d.Name()); err != nil || isNeeded {
				return err
			}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		n++
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("prune the folder of files: %w", err)
	}
	return n, nil
}

// oldFile reports whether a file exists and is older than before.
func oldFile(d fs.DirEntry, before time.Time) (bool, error) {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.ModTime().Before(before), err
}

const partPrefix = "part-"

var hashName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// path returns the path of the file with a hash. The error for a text that is no
// hash is ErrNotFound.
func (s *Store) path(hash string) (string, error) {
	if !hashName.MatchString(hash) {
		return "", fmt.Errorf("%w: %.20q is no hash of one", ErrNotFound, hash)
	}
	return filepath.Join(s.dir, hash[:2], hash), nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("store a file's name: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("store a file's name: %w", err)
	}
	return nil
}
