package main

import (
	"os"
	"runtime"
)

// ballastSize is the size of the ballast in bytes. An engine has a few megabytes
// of live memory and makes tens of kilobytes of garbage per run. Without the
// ballast, the garbage collector ran many times a second and used a seventh of
// the processor time.
const ballastSize = 32 << 20

// withBallast runs f with an allocation that is never written, and so uses no
// physical memory, but makes the garbage collector run less often. It has no
// effect where GOGC or GOMEMLIMIT is set.
func withBallast(f func() int) int {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return f()
	}
	ballast := make([]byte, ballastSize)
	defer runtime.KeepAlive(ballast)
	return f()
}
