// Package filelock locks open files between processes, and between the open
// files of one. A lock ends with Unlock, or when its file is closed, however
// the process ends. It is about the whole file and says nothing of its content.
package filelock
