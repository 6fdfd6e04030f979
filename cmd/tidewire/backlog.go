package main

import (
	"os"
	"sync"
)

// mostBacklog bounds the bytes that wait to be written; who would write more
// waits with them.
const mostBacklog = 1 << 20

// backlog writes to a file from a goroutine of its own, all that has piled up
// at once. Whoever logs so does not wait for the disk, for a terminal, or for
// who reads the pipe: a log that stood still for a moment would stop every run.
// Nothing is dropped; only a process that is killed loses what was written in
// its last moment.
type backlog struct {
	file    *os.File
	written sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	closed  bool
}

func newBacklog(file *os.File) *backlog {
	b := &backlog{file: file}
	b.changed.L = &b.mu
	b.written.Go(b.work)
	return b
}

// Write implements io.Writer. What the file refuses is lost, as it is where
// logs are written at once.
func (b *backlog) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) > mostBacklog && !b.closed {
		b.changed.Wait()
	}
	if b.closed {
		return b.file.Write(p)
	}
	b.pending = append(b.pending, p...)
	b.changed.Broadcast()
	return len(p), nil
}

func (b *backlog) work() {
	var batch []byte
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for len(b.pending) == 0 && !b.closed {
			b.changed.Wait()
		}
		if len(b.pending) == 0 {
			return
		}
		batch, b.pending = b.pending, batch[:0]
		b.mu.Unlock()
		_, _ = b.file.Write(batch) // nobody is left to be told
		b.mu.Lock()
		b.changed.Broadcast()
	}
}

// close returns when all is written.
func (b *backlog) close() {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	b.written.Wait()
}

// Fd tells what stands behind it.
func (b *backlog) Fd() uintptr { return b.file.Fd() }
