//go:build unix

package datafile

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"
)

// replaceable is set where the path of an open file can become that of another.
const replaceable = true

// openFile is an open file with the path by which it was opened.
type openFile struct {
	path string
	file *os.File
	id   atomic.Pointer[fileID]
}

// fileID identifies a file among all files of a machine.
type fileID struct{ device, inode uint64 }

func newOpenFile(path string, file *os.File) (*openFile, error) {
	f := &openFile{path: path, file: file}
	id, err := idOfOpen(file)
	if err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	f.id.Store(&id)
	return f, nil
}

// compare reports whether there is no file at the path, or another one.
func (f *openFile) compare() (gone, replaced bool) {
	id, err := idOf(f.path)
	switch {
	case errors.Is(err, syscall.ENOENT), errors.Is(err, syscall.ENOTDIR):
		return true, false
	case err != nil:
		return false, false
	case id == *f.id.Load():
		return false, false
	}
	// Some network and FUSE file systems assign a new number to the same file.
	if open, err := idOfOpen(f.file); err == nil && open == id {
		f.id.Store(&id)
		return false, false
	}
	return false, true
}
