package script

import (
	"io/fs"
	"time"
)

// stamp is the metadata of a file. If it is the same as before, the file is most
// likely unchanged.
type stamp struct {
	size     int64
	modified int64 // nanoseconds
	id       fileID
	mode     fs.FileMode
}

// fileID identifies a file, whatever its path is.
type fileID struct{ device, inode uint64 }

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), modified: info.ModTime().UnixNano(), id: idOf(info), mode: info.Mode()}
}

// machineTime is the time of the machine, also where Config.Clock is another
// one: file systems date files by it.
func machineTime() time.Time { return time.Now() }

// racy reports whether the file was written so shortly before it was read that a
// second write may have the same stamp: the timestamps of file systems have a
// resolution of some milliseconds.
func (s stamp) racy(read time.Time) bool {
	return read.Sub(time.Unix(0, s.modified)) < 20*time.Millisecond
}
