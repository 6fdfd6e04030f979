package call_test

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// protocolServer is a vendor of one protocol that counts its connections and
// requests.
type protocolServer struct {
	*httptest.Server
	requests atomic.Int32
	closed   chan struct{} // receives a value when the client closes a connection

	mu     sync.Mutex
	change *sync.Cond
	opened int // connections so far
	conns  []net.Conn
}

// closeNotifier is a connection of the client.
type closeNotifier struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (c *closeNotifier) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() { c.closed <- struct{}{} })
	return err
}

func (s *protocolServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	return &closeNotifier{Conn: conn, closed: s.closed}, err
}

func (s *protocolServer) track(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.opened++
		s.conns = append(s.conns, conn)
		s.change.Broadcast()
	}
}

// connected waits for the first connection, which the client may have before the
// server does, and returns how many there were.
func (s *protocolServer) connected() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.opened == 0 {
		s.change.Wait()
	}
	return s.opened
}

// hangUp closes all connections.
func (s *protocolServer) hangUp() {
	s.connected()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
	s.conns = nil
}

func serve(t *testing.T, protocol string) *protocolServer {
	s := &protocolServer{closed: make(chan struct{}, 1000)}
	s.change = sync.NewCond(&s.mu)
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		io.Copy(io.Discard, r.Body)
		reply(200, `{}`)(w)
	}))
	s.Config.ConnState = s.track
	switch protocol {
	case "HTTP/1.1":
		s.Start()
	case "HTTP/1.1 over TLS":
		s.StartTLS()
	case "HTTP/2":
		s.EnableHTTP2 = true
		s.StartTLS()
	}
	t.Cleanup(s.Close)
	return s
}

var protocols = []string{"HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2"}

// clientOf is a client of the vendor with our own transport, which trusts it.
func clientOf(t *testing.T, server *protocolServer, protocol string) *setup {
	return start(t, nil, func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		a.BaseURL = server.URL
		var roots *x509.CertPool
		if protocol != "HTTP/1.1" {
			roots = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		}
		c.Transport = call.NewTransport(roots, server.dial)
	})
}

// The begun record is written when there is a connection, before the first byte
// of the request, and once for the connections that the transport may need.
func TestBegunWithConnection(t *testing.T) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			server := serve(t, protocol)
			s := clientOf(t, server, protocol)
			for n := range int32(3) { // a new connection, then the same again
				r := s.request(t, unsafe, args[unsafe])
				begun := 0
				r.BegunRecorder.Begin = func(context.Context, json.RawMessage) error {
					begun++
					if opened := server.connected(); opened != 1 || server.requests.Load() != n {
						t.Errorf("request %d: begun with %d connections and %d requests", n, opened, server.requests.Load())
					}
					return nil
				}
				if _, err := s.Do(t.Context(), r); err != nil || begun != 1 || server.requests.Load() != n+1 {
					t.Errorf("request %d: %v, begun %d times, the vendor got %d", n, err, begun, server.requests.Load())
				}
			}
		})
	}
}

// A begun record that cannot be written ends the request: the vendor gets nothing.
func TestNotBegun(t *testing.T) {
	full := errors.New("disk full")
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) {
			server := serve(t, protocol)
			s := clientOf(t, server, protocol)
			for _, reused := range []bool{false, true} {
				before := server.requests.Load()
				for range 20 {
					r := s.request(t, unsafe, args[unsafe])
					tries := 0
					r.BegunRecorder.Begin = func(context.Context, json.RawMessage) error { tries++; return full }
					r.BegunRecorder.Withdraw = func(context.Context) error { t.Error("withdrawn"); return nil }
					answer, err := s.Do(t.Context(), r)
					if !errors.Is(err, full) || tries != 1 || answer.Sendings != 0 {
						t.Errorf("got %v after %d tries, sent %d times", err, tries, answer.Sendings)
					}
				}
				if got := server.requests.Load(); got != before {
					t.Errorf("reused connection %t: the vendor got %d requests", reused, got-before)
				}
				if _, err := s.do(t, unsafe, args[unsafe]); err != nil { // now there is a connection to reuse
					t.Fatal(err)
				}
			}
		})
	}
}

// A connection that the vendor closes before the first byte leaves nothing
// uncertain, whether it is a new one or one that was used.
func TestClosedBeforeFirstByte(t *testing.T) {
	for _, protocol := range protocols[:2] {
		for _, reused := range []bool{false, true} {
			server := serve(t, protocol)
			s := clientOf(t, server, protocol)
			if reused {
				if _, err := s.do(t, safe, args[safe]); err != nil {
					t.Fatal(err)
				}
			}
			r := s.request(t, unsafe, args[unsafe])
			begin, once := r.BegunRecorder.Begin, sync.Once{}
			r.BegunRecorder.Begin = func(ctx context.Context, sent json.RawMessage) error {
				once.Do(func() {
					server.hangUp()
					<-server.closed // the transport has noticed
				})
				return begin(ctx, sent)
			}
			before := server.requests.Load()
			if _, err := s.Do(t.Context(), r); err != nil || server.requests.Load() != before+1 {
				t.Errorf("%s, reused %t: %v, the vendor got %d, begun record %v", protocol, reused, err, server.requests.Load()-before, s.begun)
			}
			if got := strings.Join(s.begun, " "); got != "begin" && got != "begin withdraw begin" {
				t.Errorf("%s, reused %t: begun record %v", protocol, reused, s.begun)
			}
		}
	}
}
