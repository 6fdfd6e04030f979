//go:build !unix

package datafile

import "os"

// replaceable is set where the path of an open file can become that of another.
// Windows lets nobody remove or rename an open file.
const replaceable = false

type openFile struct {
	path string
	file *os.File
}

func newOpenFile(path string, file *os.File) (*openFile, error) { return &openFile{path, file}, nil }

func (f *openFile) compare() (gone, replaced bool) { return false, false }
