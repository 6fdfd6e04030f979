//go:build unix

package script

import (
	"os"
	"syscall"
)

// openFile opens a file to read it. It does not wait for a program that writes to it, as
// a named pipe would.
func openFile(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}
