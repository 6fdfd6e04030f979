package ingest_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestOverload shows that a sender is asked to come again while as many wait
// for the store as may, and that those who wait are served.
func TestOverload(t *testing.T) {
	r := newReceiver(t)
	r.arrived, r.hold = make(chan struct{}), make(chan struct{})
	waiting := make(chan error, places)
	for range places {
		go func() {
			response, err := http.Post(r.URL+"/in/open", "application/json", strings.NewReader(`{}`))
			if err == nil {
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					err = fmt.Errorf("one that waited got %s", response.Status)
				}
			}
			waiting <- err
		}()
	}
	for range places {
		<-r.arrived
	}
	contact := `{"type":"ContactCreate","locationId":"loc1"}`
	status, answer, header := r.post(t, "/hooks/crm", contact, signed(t, r.apps[0], 0, privateKey(t), now))
	if status != http.StatusTooManyRequests || header.Get("Retry-After") == "" || !strings.Contains(answer, "overload") {
		t.Errorf("one too many: got %d %s, Retry-After %q", status, answer, header.Get("Retry-After"))
	}
	close(r.hold)
	for range places {
		if err := <-waiting; err != nil {
			t.Error(err)
		}
	}
}

// TestSlowSendersTakeNoPlace shows that bodies that do not arrive keep nobody
// else out.
func TestSlowSendersTakeNoPlace(t *testing.T) {
	r := newReceiver(t)
	for range 2 * places {
		conn, err := net.Dial("tcp", r.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// The server asks for the rest before it reads on, so that we know it waits.
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

// TestBytesHeld shows that bodies cannot take more memory than they may.
func TestBytesHeld(t *testing.T) {
	r := newReceiver(t)
	r.ingest.Held = 1000
	large := `{"a":"` + strings.Repeat("x", 2000) + `"}`
	if status, answer, header := r.post(t, "/in/open", large, nil); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 503 and a time to come again", status, answer)
	}
	for range 3 { // what was counted is given back
		if status, answer, _ := r.post(t, "/in/open", `{"a":"`+strings.Repeat("x", 500)+`"}`, nil); status != http.StatusOK {
			t.Errorf("got %d %s, want 200", status, answer)
		}
	}
}
