//go:build unix

package datafile

import (
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

func newFileID(s *syscall.Stat_t) fileID { return fileID{uint64(s.Dev), uint64(s.Ino)} }

func newOpenFile(path string, file *os.File) (*openFile, error) {
	f := &openFile{path: path, file: file}
	var s syscall.Stat_t
	if err := syscall.Fstat(int(file.Fd()), &s); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	id := newFileID(&s)
	f.id.Store(&id)
	return f, nil
}

// compare reports whether there is no file at the path, or another one.
func (f *openFile) compare() (gone, replaced bool) {
	var path, open syscall.Stat_t
	switch err := syscall.Stat(f.path, &path); {
	case err == syscall.ENOENT, err == syscall.ENOTDIR:
		return true, false
	case err != nil:
		return false, false
	}
	id := newFileID(&path)
	if id == *f.id.Load() {
		return false, false
	}
	// Some network and FUSE file systems assign a new number to the same file.
	if err := syscall.Fstat(int(f.file.Fd()), &open); err == nil && newFileID(&open) == id {
		f.id.Store(&id)
		return false, false
	}
	return false, true
}
