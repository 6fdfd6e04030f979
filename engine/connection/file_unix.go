//go:build unix

package connection

import "os"

func syncDirectory(f *os.File) error { return f.Sync() }
