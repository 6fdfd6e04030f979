package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
)

// extract reads an archive to its end, and writes its entries below a folder, which
// must be empty. If there is an error, what it has written is of no use. No more than
// the sizes in the manifest is written.
func extract(ctx context.Context, archive io.Reader, folder *os.Root) (Manifest, error) {
	compressed := bufio.NewReaderSize(archive, 1<<20)
	if err := checkKind(compressed); err != nil {
		return Manifest{}, err
	}
	content, err := gzip.NewReader(compressed)
	if err != nil {
		return Manifest{}, fmt.Errorf("it is no backup of Tidewire: %w", err)
	}
	x := extraction{folder: folder, entries: tar.NewReader(content)}
	m, err := x.manifest()
	if err != nil {
		return m, err
	}
	if err := x.all(ctx, m); err != nil {
		return m, err
	}
	// The checksum of the gzip stream comes after its last byte.
	switch n, err := io.Copy(io.Discard, io.LimitReader(content, 1)); {
	case err != nil:
		return m, fmt.Errorf("its end is damaged: %w", err)
	case n > 0:
		return m, errors.New("it has more after its last entry")
	}
	return m, nil
}

// checkKind refuses a file that is not compressed with gzip.
func checkKind(r *bufio.Reader) error {
	start, err := r.Peek(16)
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		return nil
	case bytes.HasPrefix(start, []byte("SQLite format 3")):
		return errors.New("it is the copy of a journal alone; to use it, stop the engine, copy the data folder aside, " +
			"put the file in place of tidewire.db there, and delete tidewire.db-wal and tidewire.db-shm")
	case err != nil && !errors.Is(err, io.EOF):
		return err
	}
	return fmt.Errorf("it is no backup of Tidewire: it begins with %q, expected a file compressed with gzip", start)
}

type extraction struct {
	folder  *os.Root
	entries *tar.Reader
}

// next returns the next entry. position describes it for errors.
func (x *extraction) next(position string) (*tar.Header, error) {
	h, err := x.entries.Next()
	switch {
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case err != nil:
		return nil, fmt.Errorf("it is cut off or damaged %s: %w", position, err)
	case h.Typeflag != tar.TypeReg:
		return nil, fmt.Errorf("the entry %.80q is no file but of type %q; only files are allowed", h.Name, h.Typeflag)
	}
	return h, nil
}

func (x *extraction) manifest() (Manifest, error) {
	h, err := x.next("before its manifest")
	switch {
	case errors.Is(err, io.EOF) || err == nil && h.Name != manifestName:
		return Manifest{}, fmt.Errorf("its first entry is not %s: it is no backup of Tidewire, or its manifest is missing", manifestName)
	case err != nil:
		return Manifest{}, err
	case h.Size > maxManifest:
		return Manifest{}, fmt.Errorf("its manifest has %d bytes, at most %d are read", h.Size, maxManifest)
	}
	text, err := io.ReadAll(x.entries)
	if err != nil {
		return Manifest{}, fmt.Errorf("it is cut off or damaged in its manifest: %w", err)
	}
	return parseManifest(text)
}

// all extracts the entries of a manifest.
func (x *extraction) all(ctx context.Context, m Manifest) error {
	left := make(map[string]Entry, len(m.Entries))
	for _, e := range m.Entries {
		left[e.Name] = e
	}
	last := manifestName
	for {
		h, err := x.next(fmt.Sprintf("after %q", last))
		if errors.Is(err, io.EOF) {
			break
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		e, listed := left[h.Name]
		switch {
		case !listed:
			return fmt.Errorf("the entry %.80q is not in the manifest, or is there twice", h.Name)
		case h.Size != e.Size:
			return fmt.Errorf("the entry %q has %d bytes, its manifest has %d", e.Name, h.Size, e.Size)
		}
		if err := x.one(e); err != nil {
			return fmt.Errorf("the entry %q: %w", e.Name, err)
		}
		delete(left, e.Name)
		last = e.Name
	}
	for name := range left {
		return fmt.Errorf("the entry %q is missing, and %d others", name, len(left)-1)
	}
	return nil
}

// one writes an entry to its file.
func (x *extraction) one(e Entry) error {
	if dir := path.Dir(e.Name); dir != "." {
		if err := x.folder.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	f, err := x.folder.OpenFile(e.Name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, sum), x.entries)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("it is cut off or cannot be written: %w", err)
	}
	if found := hex.EncodeToString(sum.Sum(nil)); found != e.SHA256 {
		return fmt.Errorf("its content has the checksum %.12s…, its manifest has %.12s…", found, e.SHA256)
	}
	return nil
}
