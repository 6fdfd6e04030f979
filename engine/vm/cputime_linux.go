package vm

import (
	"time"

	"golang.org/x/sys/unix"
)

// LoadTime bounds the top level of a program.
const LoadTime = 200 * time.Millisecond

// cpuTime returns how long the thread of the caller has executed. Where it cannot be read, as in
// some containers, it is the time since the process began.
func cpuTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return machineTime()
	}
	return time.Duration(t.Nano())
}
