//go:build !linux

package vm

import "time"

// cpuTime returns the time since the process began: the time of a thread is read on
// Linux only.
func cpuTime() time.Duration { return machineTime() }
