package ingest

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// firstRead bounds the memory, in bytes, that is allocated for a body because of
// its Content-Length; minRead is the room for each read.
const (
	firstRead = 64 << 10
	minRead   = 512
)

// slowest is how many bytes a second a body must have at least.
const slowest = 1 << 10

var errBudget = errors.New("too many bytes are in flight")

// readBody reads the body of a message and counts its memory towards the budget.
func (s *Server) readBody(w http.ResponseWriter, m *message) *refusal {
	body := &pacedReader{ // deadlines of a socket are in the machine's time
		Reader: http.MaxBytesReader(w, m.Body, MaxBody), began: clock.System.Now(), slowAfter: s.config.SlowAfter, timeout: s.config.BodyTimeout,
		setDeadline: http.NewResponseController(w).SetReadDeadline,
	}
	var size *http.MaxBytesError
	read, err := readAll(body, m.ContentLength, m.reserved.add)
	switch {
	case err == nil:
	case errors.As(err, &size):
		return &tooLarge
	case errors.Is(err, errBudget):
		refused := m.overload()
		return &refused
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{status: http.StatusRequestTimeout, reason: "slow", text: "the body came slower than 1 KiB a second, or took too long"}
	default:
		return &refusal{status: http.StatusBadRequest, reason: "cut", text: "the body ended early: " + err.Error()}
	}
	_ = body.setDeadline(time.Time{}) // as in pacedReader
	m.body = read
	return nil
}

// readAll reads a body with an announced length, negative if that is not known.
// It asks reserve before it allocates memory, and returns errBudget if it refuses.
func readAll(from io.Reader, length int64, reserve func(bytes int64) bool) ([]byte, error) {
	size := int(min(max(length, 0), firstRead)) + minRead
	if !reserve(int64(size)) {
		return nil, errBudget
	}
	body := make([]byte, 0, size)
	for {
		if cap(body)-len(body) < minRead {
			more := min(cap(body), MaxBody+minRead)
			if !reserve(int64(more)) {
				return nil, errBudget
			}
			grown := make([]byte, len(body), cap(body)+more)
			copy(grown, body)
			body = grown
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case errors.Is(err, io.EOF):
			return slices.Clip(body), nil
		case err != nil:
			return nil, err
		}
	}
}

// pacedReader sets a deadline before each read, so that a body is cut that is
// slower than slowest, once slowAfter is over, or is not read after timeout.
type pacedReader struct {
	io.Reader
	began              time.Time
	slowAfter, timeout time.Duration
	received           int64
	setDeadline        func(time.Time) error
}

func (p *pacedReader) Read(into []byte) (int, error) {
	// A server that cannot set deadlines, which is a caller's, bounds the time itself.
	_ = p.setDeadline(p.deadline())
	n, err := p.Reader.Read(into)
	p.received += int64(n)
	return n, err
}

func (p *pacedReader) deadline() time.Time {
	paced := p.slowAfter + time.Duration(p.received)*time.Second/slowest
	return p.began.Add(min(paced, p.timeout))
}

// tooLarge is the refusal of a body above MaxBody.
var tooLarge = refusal{status: http.StatusRequestEntityTooLarge, reason: "size", text: "the body is larger than 5 MiB"}

func (m *message) overload() refusal {
	return m.retryLater("overload", "too many webhooks are waiting to be stored")
}
