package main

import (
	"os"
	"runtime"
)

// collectorRoom is the garbage, in bytes, that may pile up however little is
// in use. An engine keeps a few megabytes and makes tens of kilobytes of
// garbage a run: without the room it would collect many times a second, which
// took a seventh of its processor time.
const collectorRoom = 32 << 20

// withRoom runs f while memory that is never touched, and so costs none, makes
// the collector wait. Who sets GOGC or GOMEMLIMIT decides alone.
func withRoom(f func() int) int {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return f()
	}
	room := make([]byte, collectorRoom)
	defer runtime.KeepAlive(room)
	return f()
}
