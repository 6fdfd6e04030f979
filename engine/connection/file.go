package connection

import (
	"os"
	"path/filepath"
)

// replaceFile puts a file, readable by its owner alone, in place of the one
// before. When it returns, every byte and the name are on the disk.
func replaceFile(path string, content []byte) error {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes names durable, where the system does not do that itself.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncDirectory(f)
}
