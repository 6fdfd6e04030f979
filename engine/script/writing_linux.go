package script

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openForWriting reports whether a program has a file open for writing. It is false
// where that cannot be known: files of other users, and some file systems.
func openForWriting(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close() // ends the lease
	// A read lease is granted only for a file that nobody has open for writing.
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	return errors.Is(err, unix.EAGAIN)
}
