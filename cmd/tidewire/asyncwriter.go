package main

import (
	"os"
	"sync"
)

// maxPending bounds the bytes that wait to be written. Beyond it, Write waits.
const maxPending = 1 << 20

// asyncWriter writes to a file from a goroutine of its own, everything that is
// pending at once. Callers of Write do not wait for a disk, a terminal or the
// reader of a pipe, since a log that is slow for a moment would stop every run.
// Nothing is dropped; only a process that is killed loses what is pending.
type asyncWriter struct {
	file    *os.File
	written sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	pending []byte
	closed  bool
}

func newAsyncWriter(file *os.File) *asyncWriter {
	b := &asyncWriter{file: file}
	b.changed.L = &b.mu
	b.written.Go(b.work)
	return b
}

// Write implements io.Writer. Errors of the file are ignored, as package log
// does.
func (b *asyncWriter) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.pending) > maxPending && !b.closed {
		b.changed.Wait()
	}
	if b.closed {
		return b.file.Write(p)
	}
	b.pending = append(b.pending, p...)
	b.changed.Broadcast()
	return len(p), nil
}

func (b *asyncWriter) work() {
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
		_, _ = b.file.Write(batch) // the callers have returned
		b.mu.Lock()
		b.changed.Broadcast()
	}
}

// close returns when everything is written.
func (b *asyncWriter) close() {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	b.written.Wait()
}

// Fd returns that of the file, by which callers find out whether it is a terminal.
func (b *asyncWriter) Fd() uintptr { return b.file.Fd() }
