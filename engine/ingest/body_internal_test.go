package ingest

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// TestPace: a body has 2 s to begin, and then a second for each KiB, but not more
// than the time for all of it.
func TestPace(t *testing.T) {
	began := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var deadlines []time.Duration
	p := &pacedReader{Reader: iotest.OneByteReader(strings.NewReader("ab")), began: began, slowAfter: 2 * time.Second, timeout: 10 * time.Second,
		setDeadline: func(at time.Time) error {
			deadlines = append(deadlines, at.Sub(began))
			return errors.New("not supported")
		}}
	for _, received := range []int64{0, 1024, 1536, 8 << 10, 9 << 10, MaxBody} {
		p.received = received
		if n, err := p.Read(make([]byte, 1)); p.received != received+int64(n) || n == 0 && err == nil {
			t.Errorf("read %d, %v", n, err)
		}
	}
	want := []time.Duration{2 * time.Second, 3 * time.Second, 3500 * time.Millisecond, 10 * time.Second, 10 * time.Second, 10 * time.Second}
	for i, d := range deadlines {
		if d != want[i] {
			t.Errorf("deadline %d is after %s, want %s", i, d, want[i])
		}
	}
}

// TestReadAll: the memory that a body takes is reserved before it is allocated.
func TestReadAll(t *testing.T) {
	for _, size := range []int{0, 1, 511, 512, 513, 70_000, MaxBody} {
		for _, announced := range []int64{-1, 0, int64(size)} {
			body := bytes.Repeat([]byte("x"), size)
			var reserved int64
			read, err := readAll(bytes.NewReader(body), announced, func(n int64) bool {
				reserved += n
				return true
			})
			if err != nil || !bytes.Equal(read, body) || reserved < int64(size) || reserved > int64(2*size)+2*firstRead {
				t.Errorf("%d bytes, announced %d: read %d, reserved %d, %v", size, announced, len(read), reserved, err)
			}
		}
	}
	left := int64(100_000)
	read, err := readAll(strings.NewReader(strings.Repeat("x", 200_000)), -1, func(n int64) bool {
		if n > left {
			return false
		}
		left -= n
		return true
	})
	if !errors.Is(err, errBudget) || read != nil {
		t.Errorf("above the budget: got %d bytes, %v", len(read), err)
	}
}
