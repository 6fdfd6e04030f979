//go:build unix && !linux

package datafile

import (
	"os"
	"syscall"
)

// idOf returns the identity of the file at a path.
func idOf(path string) (fileID, error) {
	var s syscall.Stat_t
	if err := syscall.Stat(path, &s); err != nil {
		return fileID{}, err
	}
	return fileID{uint64(s.Dev), uint64(s.Ino)}, nil
}

// idOfOpen returns the identity of an open file.
func idOfOpen(f *os.File) (fileID, error) {
	var s syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &s); err != nil {
		return fileID{}, err
	}
	return fileID{uint64(s.Dev), uint64(s.Ino)}, nil
}
