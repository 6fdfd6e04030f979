package journaltest

import "syscall"

// roomy says that a file system has a gigabyte to spare: in a container it may
// have next to nothing.
func roomy(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && s.Bavail*uint64(s.Bsize) > 1<<30
}
