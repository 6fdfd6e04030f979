package ingest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/ingest"
)

// TestOverload sends a request more than may wait for the store. It is refused
// with a status for a retry, and the others are answered.
func TestOverload(t *testing.T) {
	r := newReceiver(t)
	r.arrived, r.release = make(chan struct{}), make(chan struct{})
	waiting := make(chan error, slots)
	for range slots {
		go func() {
			response, err := http.Post(r.URL+"/in/open", "application/json", strings.NewReader(`{}`))
			if err == nil {
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					err = fmt.Errorf("a request that waited got %s", response.Status)
				}
			}
			waiting <- err
		}()
	}
	for range slots {
		<-r.arrived
	}
	contact := `{"type":"ContactCreate","locationId":"loc1"}`
	status, answer, header := r.post(t, "/hooks/crm", contact, signed(t, r.apps[0], 0, privateKey(t), now))
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(answer, "overload") {
		t.Errorf("one too many: got %d %s, Retry-After %q", status, answer, header.Get("Retry-After"))
	}
	close(r.release)
	for range slots {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
}

// TestSlowSendersUseNoSlot sends a request while others wait for their bodies.
func TestSlowSendersUseNoSlot(t *testing.T) {
	r := newReceiver(t)
	for range 2 * slots {
		conn, err := net.Dial("tcp", r.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// The answer 100 shows that the server is waiting for the body.
		if _, err := io.WriteString(conn, "POST /in/open HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
			t.Fatal(err)
		}
	}
	if status, answer, _ := r.post(t, "/in/open", `{}`, nil); status != http.StatusOK {
		t.Errorf("got %d %s, want 200", status, answer)
	}
}

// TestInFlightBytes sends bodies that exceed the bound of all bodies.
func TestInFlightBytes(t *testing.T) {
	r := newReceiver(t, func(c *ingest.Config) { c.InFlightBytes = 10_000 })
	large := `{"a":"` + strings.Repeat("x", 2000) + `"}`
	if status, answer, header := r.post(t, "/in/open", large, nil); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 503 with Retry-After", status, answer)
	}
	for range 3 { // bodies of requests that have ended do not count
		if status, answer, _ := r.post(t, "/in/open", `{"a":"`+strings.Repeat("x", 500)+`"}`, nil); status != http.StatusOK {
			t.Errorf("got %d %s, want 200", status, answer)
		}
	}
}
