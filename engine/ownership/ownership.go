package ownership

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// CheckFolder returns an error with the command to run if users other than the owner
// can write to a folder. what is the subject of its text: "the data folder". A folder
// that does not exist is no error.
func CheckFolder(what, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if mode := info.Mode().Perm(); hasModes && mode&0o022 != 0 {
		return fmt.Errorf("%s %s can be written by others (mode %04o); run: chmod go-w %s", what, path, mode, path)
	}
	return nil
}

// CheckPrivate returns an error with the command to run if users other than the owner
// can read or write a file.
func CheckPrivate(what, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return checkMode(what, path, info, "600")
}

// CheckOwnFolder returns an error unless a path is a folder of this user that no other
// can read or write. A symbolic link is none.
func CheckOwnFolder(what, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case !info.IsDir():
		return fmt.Errorf("%s %s is no folder; remove it", what, path)
	}
	return checkOwn(what, path, info, "700")
}

// CheckOwnFile returns an error with the command to run unless a path is a file of this
// user that no other can read or write. A symbolic link is none.
func CheckOwnFile(what, path string) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", what, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s %s is a link, expected a file; run: rm %s, and put the file there", what, path, path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s %s is no file; remove it", what, path)
	}
	return checkOwn(what, path, info, "600")
}

// checkOwn checks owner and mode. private is the mode that it should have.
func checkOwn(what, path string, info fs.FileInfo, private string) error {
	if owner, known := ownerOf(info); known && owner != os.Geteuid() {
		return fmt.Errorf("%s %s belongs to user %d, and this process runs as user %d; run: sudo chown %[4]d %[2]s, or remove it", what, path, owner, os.Geteuid())
	}
	return checkMode(what, path, info, private)
}

func checkMode(what, path string, info fs.FileInfo, private string) error {
	if mode := info.Mode().Perm(); hasModes && mode&0o077 != 0 {
		return fmt.Errorf("%s %s can be read or written by others (mode %04o); run: chmod %s %s", what, path, mode, private, path)
	}
	return nil
}

// Readable reports whether other users can read a file.
func Readable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && hasModes && info.Mode().Perm()&0o044 != 0
}
