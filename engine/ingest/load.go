package ingest

import (
	"errors"
	"io"
	"sync/atomic"
)

// load counts what a request holds in memory towards what all of them may.
type load struct {
	io.Reader
	held *atomic.Int64
	most int64
	own  int64
}

var errHeld = errors.New("too many bytes are held")

// Read fails once the bodies of all requests are too much.
func (l *load) Read(into []byte) (int, error) {
	n, err := l.Reader.Read(into)
	l.own += int64(n)
	if l.held.Add(int64(n)) > l.most {
		return n, errHeld
	}
	return n, err
}

// off gives back what was counted.
func (l *load) off() { l.held.Add(-l.own) }

func (m *message) overload() refusal {
	return m.again("overload", "too many webhooks are waiting to be kept")
}
