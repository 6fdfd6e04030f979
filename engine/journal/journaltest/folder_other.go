//go:build !linux

package journaltest

func hasSpace(string) bool { return false }
