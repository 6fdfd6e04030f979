package script

import (
	"io/fs"
	"time"
)

// stamp is what a file system says of a file without it being read. Two equal
// stamps mean that a file is most likely the same.
type stamp struct {
	size     int64
	modified int64 // nanoseconds
	id       fileID
	mode     fs.FileMode
}

// fileID tells files apart whatever their paths are.
type fileID struct{ device, inode uint64 }

func stampOf(info fs.FileInfo) stamp {
	return stamp{size: info.Size(), modified: info.ModTime().UnixNano(), id: idOf(info), mode: info.Mode()}
}

// machineTime is the clock by which files are dated and by which they are
// still, whatever time the engine is told.
func machineTime() time.Time { return time.Now() }

// racy reports whether the file was written so shortly before it was read that
// a second write may have left the same stamp: file systems count time in
// steps of some milliseconds.
func (s stamp) racy(read time.Time) bool {
	return read.Sub(time.Unix(0, s.modified)) < 20*time.Millisecond
}
