package datafile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// asideInfix is between the name of a data folder that a restore has moved aside and
// the time of that.
const asideInfix = ".before-restore-"

// AsidePath returns the path to which a restore moves a data folder.
func AsidePath(data string, now time.Time) string {
	return filepath.Clean(data) + asideInfix + now.UTC().Format("20060102T150405.000Z")
}

// UnfinishedRestore returns the newest folder that a restore has moved aside, if there
// is no data folder: that restore was ended before it put another one in its place. It
// is empty for none.
func UnfinishedRestore(data string) string {
	if _, err := os.Lstat(data); !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	data = filepath.Clean(data)
	entries, _ := os.ReadDir(filepath.Dir(data)) // sorted; without them there is none
	for _, e := range slices.Backward(entries) {
		if prefix := filepath.Base(data) + asideInfix; e.IsDir() && len(e.Name()) > len(prefix) && e.Name()[:len(prefix)] == prefix {
			return filepath.Join(filepath.Dir(data), e.Name())
		}
	}
	return ""
}
