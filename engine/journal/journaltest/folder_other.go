//go:build !linux

package journaltest

func roomy(string) bool { return false }
