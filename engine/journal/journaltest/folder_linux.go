package journaltest

import "syscall"

// hasSpace reports whether a file system has a gigabyte free: in a container it
// may have almost nothing.
func hasSpace(path string) bool {
	var s syscall.Statfs_t
	return syscall.Statfs(path, &s) == nil && s.Bavail*uint64(s.Bsize) > 1<<30
}
