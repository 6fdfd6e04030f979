package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// stub is the server of the app. It reads a request, answers it from memory
// and counts it.
type stub struct {
	listener net.Listener
	serving  sync.WaitGroup
	gate     chan struct{} // closed by close: requests to /gate then end
	calls    atomic.Int64  // that were answered
	// arrived, if set, is called for each items.get with the order's number.
	arrived atomic.Pointer[func(number int64)]

	mu    sync.Mutex
	conns map[net.Conn]bool
}

func newStub(ctx context.Context) (*stub, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the app to call: %w", err)
	}
	s := &stub{listener: listener, gate: make(chan struct{}), conns: map[net.Conn]bool{}}
	s.serving.Go(s.serve)
	return s, nil
}

func (s *stub) url() string { return "http://" + s.listener.Addr().String() }

// close closes all connections and waits until their goroutines have ended.
func (s *stub) close() {
	close(s.gate)
	s.listener.Close()
	s.mu.Lock()
	for conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
	s.mu.Unlock()
	s.serving.Wait()
}

func (s *stub) serve() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		s.mu.Lock()
		if s.conns == nil {
			conn.Close()
		} else {
			s.conns[conn] = true
			s.serving.Go(func() { s.answer(conn) })
		}
		s.mu.Unlock()
	}
}

func (s *stub) answer(conn net.Conn) {
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
	}()
	reader := bufio.NewReaderSize(conn, 4<<10)
	var out []byte
	for {
		path, err := readRequest(reader)
		if err != nil {
			return // the engine has closed the connection
		}
		number, isGet := orderOf(path)
		switch {
		case isGet:
			if arrived := s.arrived.Load(); arrived != nil {
				(*arrived)(number)
			}
		case bytes.Equal(path, []byte("/gate")):
			<-s.gate
			return
		}
		out = appendAnswer(out[:0], number)
		if _, err := conn.Write(out); err != nil {
			return
		}
		s.calls.Add(1)
	}
}

// await waits until that many calls were answered since the start.
func (s *stub) await(ctx context.Context, calls int64) error {
	for s.calls.Load() < calls {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait for the calls of the runs, %d of them still to come: %w",
				calls-s.calls.Load(), context.Cause(ctx))
		}
	}
	return nil
}

// itemPath is the path of an item, before the number of its order.
const itemPath = "/items/" + orderPrefix

func orderOf(path []byte) (number int64, isGet bool) {
	digits, found := bytes.CutPrefix(path, []byte(itemPath))
	if !found {
		return 0, false
	}
	number, err := strconv.ParseInt(string(digits), 10, 64)
	return number, err == nil
}

func appendAnswer(out []byte, number int64) []byte {
	const head, tail = `{"item":{"id":"` + orderPrefix, `","title":"Sixty tiles, glazed, sea green","email":"ada@example.com",` +
		`"amount":"1249.50","city":"Paris","source":"bench","tags":["spring","wholesale","paris"]}}`
	out = append(out, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(head)+numberDigits+len(tail)), 10)
	out = append(append(out, "\r\n\r\n"...), head...)
	return append(appendNumber(out, number), tail...)
}

var errHTTP = errors.New("the message is not HTTP with a Content-Length")

// readRequest reads a request with its body and returns its path.
func readRequest(r *bufio.Reader) (path []byte, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	target, _, found := bytes.Cut(rest, []byte(" "))
	if !found {
		return nil, errHTTP
	}
	path = append(path, target...)
	return path, skipMessage(r)
}

// skipMessage reads headers and a body of their Content-Length.
func skipMessage(r *bufio.Reader) error {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return errHTTP
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			return errHTTP
		}
	}
	if _, err := r.Discard(length); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}
