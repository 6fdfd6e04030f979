package datafile

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// idOf returns the identity of the file at a path. It does not read times: once
// somebody has read the times of a file, Linux changes them at the next write, so that
// each sync of the log would write its metadata too.
func idOf(path string) (fileID, error) { return statx(unix.AT_FDCWD, path, 0) }

// idOfOpen returns the identity of an open file.
func idOfOpen(f *os.File) (fileID, error) { return statx(int(f.Fd()), "", unix.AT_EMPTY_PATH) }

func statx(dir int, path string, flags int) (fileID, error) {
	var s unix.Statx_t
	err := unix.Statx(dir, path, flags, unix.STATX_INO, &s)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) { // Linux before 4.11, or a container that denies it
		var old unix.Stat_t
		if err := unix.Fstatat(dir, path, &old, flags); err != nil {
			return fileID{}, err
		}
		return fileID{old.Dev, old.Ino}, nil
	}
	if err != nil {
		return fileID{}, err
	}
	return fileID{unix.Mkdev(s.Dev_major, s.Dev_minor), s.Ino}, nil
}
