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
	"time"
)

// The errors of a Store. They come wrapped.
var (
	// ErrTooLarge says that the content is over the bound.
	ErrTooLarge = errors.New("the file is too large")
	// ErrNotFound says that there is no file of that hash.
	ErrNotFound = errors.New("the file is not kept any more")
)

// Store is a folder of files.
type Store struct {
	dir string
	// Most bounds the bytes of one file.
	Most int64
}

// DefaultMost bounds a file where nobody says otherwise.
const DefaultMost = 256 << 20

// New makes a store in a folder, which is made when the first file comes. Most
// is the bound of one file in bytes, zero for DefaultMost.
func New(dir string, most int64) *Store {
	if most <= 0 {
		most = DefaultMost
	}
	return &Store{dir: dir, Most: most}
}

// Put keeps what it reads and gives its hash and size. It returns when the
// file is durable; on an error nothing of it is left.
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
	size, err = io.Copy(io.MultiWriter(part, sum), io.LimitReader(content, s.Most+1))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("keep a file: %w", err)
	case size > s.Most:
		return "", 0, fmt.Errorf("%w: it has more than %d MiB", ErrTooLarge, s.Most>>20)
	}
	if err := part.Sync(); err != nil {
		return "", 0, fmt.Errorf("keep a file: %w", err)
	}
	hash = hex.EncodeToString(sum.Sum(nil))
	return hash, size, s.adopt(part.Name(), hash)
}

// adopt gives a whole file its name. One that is there already is the same,
// and is touched, so that no sweep under way takes it.
func (s *Store) adopt(part, hash string) error {
	path, err := s.path(hash)
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("keep file %.12s: %w", hash, err)
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("keep file %.12s: %w", hash, err)
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

// Read gives the content of a file of no more than so many bytes.
func (s *Store) Read(hash string, most int64) ([]byte, error) {
	f, err := s.Open(hash)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read file %.12s: %w", hash, err)
	case int64(len(content)) > most:
		return nil, fmt.Errorf("%w: it has more than %d bytes", ErrTooLarge, most)
	}
	return content, nil
}

// Sweep removes the files that nobody needs and that were there before a time,
// and what was left half written. It gives the number of files removed.
func (s *Store) Sweep(ctx context.Context, before time.Time, needed func(ctx context.Context, hash string) (bool, error)) (n int, err error) {
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
			if keep, err := needed(ctx, d.Name()); err != nil || keep {
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
		return n, fmt.Errorf("sweep the folder of files: %w", err)
	}
	return n, nil
}

// oldFile reports whether a file is there and was there before a time.
func oldFile(d fs.DirEntry, before time.Time) (bool, error) {
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.ModTime().Before(before), err
}

const partPrefix = "part-"

var hashName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// path is where a file of a hash stands; what is no hash is no path.
func (s *Store) path(hash string) (string, error) {
	if !hashName.MatchString(hash) {
		return "", fmt.Errorf("%w: %.20q is no hash of one", ErrNotFound, hash)
	}
	return filepath.Join(s.dir, hash[:2], hash), nil
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("keep a file's name: %w", err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("keep a file's name: %w", err)
	}
	return nil
}
