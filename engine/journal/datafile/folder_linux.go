package datafile

import (
	"syscall"
	"time"
)

// settleTime is how long a folder must be unchanged before its state is used: two
// changes at the same moment, by the clock of the file system, give one state. Some
// file systems have whole seconds.
const (
	settleTime      = 50 * time.Millisecond
	settleTimeWhole = 2 * time.Second
)

// folderState is the identity of a folder, and when its entries, or its
// attributes, changed last. While it is the same, so are the files in the folder.
type folderState struct {
	id      fileID
	changed syscall.Timespec
}

// stateOf returns the state of a folder. It returns false if there is none, or if
// it has changed too recently.
func stateOf(path string) (folderState, bool) {
	var s syscall.Stat_t
	if syscall.Stat(path, &s) != nil {
		return folderState{}, false
	}
	settle := settleTime
	if s.Ctim.Nsec == 0 {
		settle = settleTimeWhole
	}
	return folderState{fileID{uint64(s.Dev), uint64(s.Ino)}, s.Ctim}, time.Since(time.Unix(s.Ctim.Unix())) > settle
}
