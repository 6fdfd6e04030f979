package journaltest

import (
	"os"
	"testing"
)

// Folder is a folder for a store, in memory where there is room for it: most
// tests are not about the disk, and a slow one would make them wait for every
// commit.
func Folder(t testing.TB) string {
	t.Helper()
	if !roomy(memory) {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "tidewire-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// memory is a file system in memory, where a machine has one.
const memory = "/dev/shm"
