// Package filelock locks open files between processes, and between several open
// files of one process. A lock ends with Unlock, or when its file is closed,
// also by a crash of the process. It covers the whole file, and reads and writes
// are possible without it.
package filelock
