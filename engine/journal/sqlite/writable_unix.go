//go:build unix

package sqlite

import (
	"io/fs"
	"syscall"
)

// checkWritable returns why a file cannot be written; nil if it can. It does not open
// the file: to close a file of SQLite's releases the locks that this process has on it.
func checkWritable(file string) error {
	const writable = 2 // W_OK of access(2)
	if err := syscall.Access(file, writable); err != nil {
		return &fs.PathError{Op: "write", Path: file, Err: err}
	}
	return nil
}
