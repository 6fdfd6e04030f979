package ingest

import (
	"errors"
	"io"
	"sync/atomic"
)

// bodyReader reads a body and counts its bytes, until release, towards those of
// all requests.
type bodyReader struct {
	io.Reader
	inFlight *atomic.Int64 // bytes of all requests
	max      int64         // of inFlight
	counted  int64         // bytes of this request
}

var errInFlightBytes = errors.New("too many bytes are in flight")

// Read returns errInFlightBytes once the bodies of all requests exceed max.
func (b *bodyReader) Read(into []byte) (int, error) {
	n, err := b.Reader.Read(into)
	b.counted += int64(n)
	if b.inFlight.Add(int64(n)) > b.max {
		return n, errInFlightBytes
	}
	return n, err
}

func (b *bodyReader) release() { b.inFlight.Add(-b.counted) }

func (m *message) overload() refusal {
	return m.retryLater("overload", "too many webhooks are waiting to be stored")
}
