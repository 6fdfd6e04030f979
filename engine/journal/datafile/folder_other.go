//go:build !linux

package datafile

// folderState would be the state of a folder; see folder_linux.go.
type folderState struct{}

func stateOf(string) (folderState, bool) { return folderState{}, false }
