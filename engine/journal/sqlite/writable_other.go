//go:build !unix

package sqlite

import "os"

// checkWritable returns why a file cannot be written; nil if it can.
func checkWritable(file string) error {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return f.Close()
}
