//go:build unix

package ownership

import (
	"io/fs"
	"syscall"
)

// hasModes is set where the mode of a file has who may use it.
const hasModes = true

func ownerOf(info fs.FileInfo) (user int, known bool) {
	stat, known := info.Sys().(*syscall.Stat_t)
	if !known {
		return 0, false
	}
	return int(stat.Uid), true
}
