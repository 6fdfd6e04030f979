package journaltest

import (
	"os"
	"testing"
)

// Folder returns a folder for a store, in memory where there is space for it:
// most tests are not about the disk, and would wait for a slow one at every
// commit.
func Folder(t testing.TB) string {
	t.Helper()
	if !hasSpace(memory) {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "tidewire-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// memory is a file system in memory, on machines that have one.
const memory = "/dev/shm"
