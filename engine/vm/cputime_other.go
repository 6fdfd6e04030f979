//go:build !linux

package vm

import "time"

// LoadTime bounds the top level of a program. What passes on a busy machine is more than
// what the program uses.
const LoadTime = 2 * time.Second

// cpuTime returns the time since the process began: the time of a thread is read on
// Linux only.
func cpuTime() time.Duration { return machineTime() }
