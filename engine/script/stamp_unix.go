//go:build unix

package script

import (
	"io/fs"
	"syscall"
)

func idOf(info fs.FileInfo) fileID {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fileID{device: uint64(s.Dev), inode: uint64(s.Ino)}
	}
	return fileID{}
}
