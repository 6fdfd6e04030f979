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

// fileReads reads files, each within readTime. A file with a read that took longer is not
// read again until that has ended: a share that does not answer holds up one scan, and a
// few goroutines.
type fileReads struct {
	mu   sync.Mutex
	slow map[string]int // reads that took longer and have not ended, by path
	read func(root, file string) ([]byte, stamp, error)
}

func newFileReads() *fileReads {
	return &fileReads{slow: map[string]int{}, read: readFile}
}

// file reads a file of the scripts folder as text.
func (r *fileReads) file(root, file string) ([]byte, stamp, error) {
	type result struct {
		text []byte
		at   stamp
		err  error
	}
	path := filepath.Join(root, file)
	if r.isSlow(path) {
		return nil, stamp{}, errSlow
	}
	done := make(chan result, 1)
	go func() {
		text, at, err := r.read(root, file)
		done <- result{text, at, err}
	}()
	passed, stop := clock.System.Timer(readTime)
	defer stop()
	select {
	case got := <-done:
		return got.text, got.at, got.err
	case <-passed:
	}
	r.addSlow(path, 1)
	go func() {
		<-done
		r.addSlow(path, -1)
	}()
	return nil, stamp{}, errSlow
}

func (r *fileReads) isSlow(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.slow[path] > 0
}

func (r *fileReads) addSlow(path string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.slow[path] += n; r.slow[path] == 0 {
		delete(r.slow, path)
	}
}
