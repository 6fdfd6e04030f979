package call

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"sync"
)

// countedConn counts the bytes that are written to a connection, so that after a
// failure it is known whether anything of a request was.
type countedConn struct {
	net.Conn

	mu      sync.Mutex
	written int64
	sealed  bool // nothing may be written any more
}

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// counted makes the connections of dial countedConns.
func counted(dial dialFunc) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countedConn{Conn: conn}, nil
	}
}

func (c *countedConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.sealed {
		c.mu.Unlock()
		return 0, net.ErrClosed
	}
	c.written += int64(len(p)) // of a write in progress each byte may be written
	c.mu.Unlock()
	n, err := c.Conn.Write(p)
	if n < len(p) {
		c.mu.Lock()
		c.written -= int64(len(p) - n)
		c.mu.Unlock()
	}
	return n, err
}

func (c *countedConn) count() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.written
}

// seal reports whether nothing was written after a count, and if so makes sure
// that nothing will be.
func (c *countedConn) seal(count int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.written == count {
		c.sealed = true
	}
	return c.sealed
}

// errNotBegun cancels a request whose begun record could not be written.
var errNotBegun = errors.New("the begun record could not be written")

// connector calls begin when a request has a connection, before its first byte
// is written, and observes whether a byte was. net/http calls its methods one
// after the other, but may do so while roundTrip has returned.
type connector struct {
	begin  func() error
	cancel context.CancelCauseFunc // of the request

	mu      sync.Mutex
	called  bool // begin was called
	err     error
	headers bool         // written, or about to be
	conn    *countedConn // nil: several requests may share it, as with HTTP/2
	before  int64        // bytes that were written to conn before the request
}

func (c *connector) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		// net/http gets another connection only if nothing was sent on the one
		// before, or after a redirect, which is an answer.
		GetConn: func(string) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.headers, c.conn = false, nil
		},
		GotConn:      func(info httptrace.GotConnInfo) { c.connected(info.Conn) },
		WroteHeaders: func() { c.mu.Lock(); c.headers = true; c.mu.Unlock() },
	}
}

// connected calls begin for the first connection of the request. After its error
// nothing is written: net/http does not write the request of a canceled context
// with HTTP/2, and with HTTP/1 the connection is closed.
func (c *connector) connected(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.called {
		c.called, c.err = true, c.begin()
	}
	socket, alone := socketOf(conn)
	if c.err != nil {
		c.cancel(errNotBegun)
		if alone && conn != nil {
			conn.Close()
		}
		return
	}
	if alone && socket != nil {
		c.conn, c.before = socket, socket.count()
	}
}

// result returns the error of begin, and whether something of the request may
// have been written.
func (c *connector) result() (begun bool, err error, sent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	begun = c.called && c.err == nil
	sent = begun && c.headers && (c.conn == nil || !c.conn.seal(c.before))
	return begun, c.err, sent
}

// socketOf returns the countedConn below a connection, nil if there is none.
// alone is set when one request at a time uses it.
func socketOf(conn net.Conn) (socket *countedConn, alone bool) {
	alone = true
	if secure, is := conn.(*tls.Conn); is {
		alone = secure.ConnectionState().NegotiatedProtocol != "h2"
		conn = secure.NetConn()
	}
	socket, _ = conn.(*countedConn)
	return socket, alone
}
