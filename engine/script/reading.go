package script

import (
	"errors"
	"path/filepath"
	"sync"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// errSlow is the error for a file whose read does not end.
var errSlow = errors.New("it could not be read within 5 seconds; is it on a share that does not answer?")

// readTime bounds the read of one file.
const readTime = 5 * time.Second

// fileReads reads files, each within readTime. A file whose read has not ended is not
// read again until it has: a share that does not answer holds one goroutine for each of
// its files.
type fileReads struct {
	mu      sync.Mutex
	pending map[string]bool
	read    func(root, file string) ([]byte, stamp, error)
}

func newFileReads() *fileReads {
	return &fileReads{pending: map[string]bool{}, read: readFile}
}

// file reads a file of the scripts folder as text.
func (r *fileReads) file(root, file string) ([]byte, stamp, error) {
	type result struct {
		text []byte
		at   stamp
		err  error
	}
	path := filepath.Join(root, file)
	r.mu.Lock()
	if r.pending[path] {
		r.mu.Unlock()
		return nil, stamp{}, errSlow
	}
	r.pending[path] = true
	r.mu.Unlock()
	done := make(chan result, 1)
	go func() {
		text, at, err := r.read(root, file)
		r.mu.Lock()
		delete(r.pending, path)
		r.mu.Unlock()
		done <- result{text, at, err}
	}()
	passed, stop := clock.System.Timer(readTime)
	defer stop()
	select {
	case got := <-done:
		return got.text, got.at, got.err
	case <-passed:
		return nil, stamp{}, errSlow
	}
}
