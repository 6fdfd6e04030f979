package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

const (
	safe       = "ping.now"          // a GET
	unsafe     = "fields.put"        // a POST
	idempotent = "contacts.update"   // a PUT that the catalogue declares idempotent
	keyed      = "payments.transfer" // a POST with an idempotency key
)

var args = map[string]string{safe: `{}`, unsafe: `{"a":1}`, idempotent: `{"contactId":"c","name":"n"}`, keyed: `{"amount":"1"}`}

// TestRetries checks what is sent again inside a call, and the kind of its error.
func TestRetries(t *testing.T) {
	fine := reply(200, `{"ok":true}`)
	tests := []struct {
		name      string
		operation string
		answers   []func(http.ResponseWriter)
		kind      bindings.ErrorKind // empty: success
		retryable bool
		sent      int
		begun     string
	}{
		{"429 then fine", safe, list(reply(429, `{}`), fine), "", false, 2, ""},
		{"429 of a POST then fine", unsafe, list(reply(429, `{}`), fine), "", false, 2, "begin withdraw begin"},
		{"429 in a 200", unsafe, list(reply(200, `{"ok":false,"error":"ratelimited"}`), fine), "", false, 2, "begin withdraw begin"},
		{"429 for ever", unsafe, list(reply(429, `{}`)), bindings.RateLimited, true, 5,
			"begin withdraw begin withdraw begin withdraw begin withdraw begin withdraw"},
		{"429 for a minute", unsafe, list(reply(429, `{}`, "Retry-After", "60")), bindings.RateLimited, true, 1, "begin withdraw"},

		{"503 of a GET", safe, list(reply(503, `{}`), reply(502, `{}`), reply(504, `{}`), fine), "", false, 4, ""},
		{"503 for ever", safe, list(reply(503, `{}`)), bindings.Unavailable, true, 5, ""},
		{"503 of a POST", unsafe, list(reply(503, `{}`), fine), bindings.Uncertain, false, 1, "begin"},
		{"503 of what is idempotent", idempotent, list(reply(503, `{}`), fine), "", false, 2, "begin begin"},
		{"503 with a key", keyed, list(reply(503, `{}`), fine), "", false, 2, "begin begin"},
		{"500 of a GET", safe, list(reply(500, `{}`), fine), bindings.Unavailable, true, 1, ""},
		{"500 of a POST", unsafe, list(reply(500, `{"message":"oops"}`), fine), bindings.Uncertain, false, 1, "begin"},
		{"501 of a POST", unsafe, list(reply(501, `{}`), fine), bindings.Unavailable, true, 1, "begin"},
		{"408 of a POST", unsafe, list(reply(408, `{}`), fine), bindings.Uncertain, false, 1, "begin"},
		{"408 with a key", keyed, list(reply(408, `{}`), fine), "", false, 2, "begin begin"},
		{"307 of a POST", unsafe, list(reply(307, ``, "Location", "/v2"), fine), bindings.Unavailable, false, 1, "begin withdraw"},
		{"302 of a POST", unsafe, list(reply(302, ``, "Location", "/v2"), fine), bindings.Uncertain, false, 1, "begin"},
		{"302 with a key", keyed, list(reply(302, ``, "Location", "/v2"), fine), bindings.Uncertain, false, 1, "begin"},

		{"cut of a GET", safe, list(cut, fine), "", false, 2, ""},
		{"cut for ever", safe, list(cut), bindings.Unavailable, true, 5, ""},
		{"cut of a POST", unsafe, list(cut, fine), bindings.Uncertain, false, 1, "begin"},
		{"cut of what is idempotent", idempotent, list(cut, fine), "", false, 2, "begin begin"},
		{"cut with a key", keyed, list(cut, fine), "", false, 2, "begin begin"},
		{"cut within the answer of a GET", safe, list(half, fine), "", false, 2, ""},
		{"cut within the answer of a POST", unsafe, list(half, fine), bindings.Uncertain, false, 1, "begin"},

		{"cut, then 429: the first may have been done", keyed, list(cut, reply(429, `{}`), fine), "", false, 3, "begin begin begin"},
		{"429, then cut", keyed, list(reply(429, `{}`), cut, fine), "", false, 3, "begin withdraw begin begin"},

		{"not JSON", safe, list(reply(200, `<html>`, "Content-Type", "text/html"), fine), bindings.Unavailable, true, 1, ""},
		{"broken JSON of a POST", unsafe, list(reply(200, `{"a":`), fine), bindings.Uncertain, false, 1, "begin"},
		{"trouble in a 200 of a POST", unsafe, list(reply(200, `{"ok":false,"error":"gone_fishing"}`), fine), bindings.Uncertain, false, 1, "begin"},
		{"404", unsafe, list(reply(404, `{}`), fine), bindings.NotFound, false, 1, "begin"},
		{"401", unsafe, list(reply(401, `{}`), fine), bindings.Unauthorized, false, 1, "begin withdraw"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sent atomic.Int32
			handler := answers(test.answers...)
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				handler(w, r)
			}, nil)
			answer, err := s.do(t, test.operation, args[test.operation])
			if test.kind == "" && err != nil {
				t.Fatalf("got %v, want success", err)
			}
			if test.kind != "" {
				wantKind(t, err, test.kind, test.retryable)
			}
			if int(sent.Load()) != test.sent || answer.Sendings != test.sent {
				t.Errorf("the vendor got %d requests and the answer has %d, want %d", sent.Load(), answer.Sendings, test.sent)
			}
			if got := strings.Join(s.begun, " "); got != test.begun {
				t.Errorf("begun record: %s\nwant:         %s", got, test.begun)
			}
			if len(s.sendings) != test.sent {
				t.Errorf("Observe got %d sendings, want %d", len(s.sendings), test.sent)
			}
		})
	}
}

func list(all ...func(http.ResponseWriter)) []func(http.ResponseWriter) { return all }

// half cuts the connection in the middle of an answer.
func half(w http.ResponseWriter) {
	conn, buffer, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	fmt.Fprint(buffer, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"id\":")
	buffer.Flush()
	conn.Close()
}

func TestWaits(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 0, 3, 0, time.UTC)
	tests := []struct {
		name   string
		answer func(http.ResponseWriter)
		want   []time.Duration
	}{
		{"seconds", reply(429, `{}`, "Retry-After", "2"), seconds(2)},
		{"date", reply(429, `{}`, "Retry-After", at.Format(http.TimeFormat)), seconds(3)},
		{"no wait in the answer", reply(429, `{}`), seconds(1)},
		{"nonsense", reply(429, `{}`, "Retry-After", "soon"), seconds(1)},
		{"503 with a time", reply(503, `{}`, "Retry-After", "4"), seconds(4)},
		{"503", reply(503, `{}`), []time.Duration{250 * time.Millisecond}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, answers(test.answer, reply(200, `{}`)), nil)
			if _, err := s.do(t, safe, `{}`); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(s.clock.waits, test.want) {
				t.Errorf("waited %v, want %v", s.clock.waits, test.want)
			}
		})
	}
	t.Run("doubled and bounded", func(t *testing.T) {
		s := start(t, answers(reply(503, `{}`)), nil)
		_, err := s.do(t, safe, `{}`)
		wantKind(t, err, bindings.Unavailable, true)
		if want := []time.Duration{250e6, 500e6, 1e9, 2e9}; !slices.Equal(s.clock.waits, want) {
			t.Errorf("waited %v, want %v", s.clock.waits, want)
		}
	})
	t.Run("waits add up", func(t *testing.T) {
		s := start(t, answers(reply(429, `{}`, "Retry-After", "5")), nil)
		answer, err := s.do(t, safe, `{}`)
		wantKind(t, err, bindings.RateLimited, true)
		if answer.Sendings != 3 || answer.RetryAfter != 5*time.Second || len(s.clock.waits) != 2 {
			t.Errorf("got %d attempts and waits %v, want a third of 5s to be too much", answer.Sendings, s.clock.waits)
		}
	})
	t.Run("longer than we wait", func(t *testing.T) {
		s := start(t, answers(reply(429, `{}`, "Retry-After", "60")), nil)
		answer, err := s.do(t, safe, `{}`)
		wantKind(t, err, bindings.RateLimited, true, "; it accepts no request for 1m0s")
		if answer.RetryAfter != time.Minute || s.clock.waits != nil {
			t.Errorf("waited %v and returned %s, want no wait and 1m", s.clock.waits, answer.RetryAfter)
		}
		// Other calls send nothing meanwhile.
		answer, err = s.do(t, safe, `{}`)
		wantKind(t, err, bindings.RateLimited, true, "crm accepts no request for another 1m0s", "was not sent")
		if answer.Sendings != 0 || answer.RetryAfter != time.Minute {
			t.Errorf("got %+v, want nothing sent", answer)
		}
	})
}

func seconds(n int) []time.Duration { return []time.Duration{time.Duration(n) * time.Second} }

func TestKeyTooOld(t *testing.T) {
	t.Run("while waiting", func(t *testing.T) {
		s := start(t, answers(cut, reply(200, `{}`)), func(_ *call.Config, _ *connection.Settings, a *bindings.App) { a.KeyTTL = 100 * time.Millisecond })
		answer, err := s.do(t, keyed, args[keyed])
		wantKind(t, err, bindings.Uncertain, false, "is over", "not known")
		if answer.Sendings != 1 {
			t.Errorf("sent %d times, want once", answer.Sendings)
		}
	})
	s := start(t, answers(cut, reply(200, `{}`)), func(_ *call.Config, _ *connection.Settings, a *bindings.App) { a.KeyTTL = 0 })
	_, err := s.do(t, keyed, args[keyed])
	wantKind(t, err, bindings.Uncertain, false, "not known")
}

// A vendor that does not listen did not get the request.
func TestNoConnection(t *testing.T) {
	for _, operation := range []string{safe, unsafe} {
		s := start(t, answers(reply(200, `{}`)), nil)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		listener.Close()
		s.app.BaseURL = "http://" + listener.Addr().String()
		answer, err := s.do(t, operation, args[operation])
		wantKind(t, err, bindings.Unavailable, true, "no connection", "connection refused", "was not sent")
		if answer.Sendings != 5 {
			t.Errorf("tried %d times, want 5", answer.Sendings)
		}
		if s.begun != nil {
			t.Errorf("begun record %v, want none without a connection", s.begun)
		}
	}
}

// A certificate that is not trusted is an error without a retry.
func TestCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(answers(reply(200, `{}`)))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	s := start(t, answers(reply(200, `{}`)), nil)
	s.app.BaseURL = server.URL
	answer, err := s.do(t, unsafe, args[unsafe])
	wantKind(t, err, bindings.Unavailable, false, "certificate")
	if answer.Sendings != 1 || s.begun != nil {
		t.Errorf("%d attempts, begun record %v", answer.Sendings, s.begun)
	}
}

func TestTimeout(t *testing.T) {
	for operation, kind := range map[string]bindings.ErrorKind{
		safe: bindings.Timeout, unsafe: bindings.Uncertain, idempotent: bindings.Timeout,
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel() // it waits
			done := make(chan struct{})
			s := start(t, func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-done:
				}
			}, nil)
			defer close(done)
			r := s.request(t, operation, args[operation])
			r.Timeout = time.Second // enough to reach the vendor
			answer, err := s.Do(t.Context(), r)
			wantKind(t, err, kind, kind == bindings.Timeout, "answer within 1s")
			if answer.Sendings != 1 {
				t.Errorf("%d attempts, want 1", answer.Sendings)
			}
		})
	}
}

// A caller that cancels gets its own cause, and the begun record stays: the
// vendor may have done it.
func TestCallerCancels(t *testing.T) {
	reason := errors.New("the engine stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	s := start(t, func(http.ResponseWriter, *http.Request) {
		cancel(reason)
		<-done
	}, nil)
	defer close(done)
	_, err := s.Do(ctx, s.request(t, unsafe, args[unsafe]))
	var e *bindings.Error
	if !errors.Is(err, reason) || errors.As(err, &e) {
		t.Errorf("got %v, want the caller's reason", err)
	}
	if strings.Join(s.begun, " ") != "begin" {
		t.Errorf("begun record %v, want begin without withdraw", s.begun)
	}
}

// Nothing is sent without a begun record.
func TestBeginFails(t *testing.T) {
	s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, nil)
	fenced := errors.New("the run has a newer lease")
	r := s.request(t, unsafe, args[unsafe])
	r.Begin = func(context.Context, json.RawMessage) error { return fenced }
	if _, err := s.Do(t.Context(), r); !errors.Is(err, fenced) {
		t.Errorf("got %v, want %v", err, fenced)
	}
}

// A connection that the vendor closes while it is idle must not make an unsafe
// request be sent twice.
func TestIdleConnectionClosed(t *testing.T) {
	var requests atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 64<<10)
			for range 2 { // answers the first request, reads the second and closes
				if n, err := conn.Read(buffer); err != nil || n == 0 {
					break
				}
				if requests.Add(1); requests.Load() == 1 {
					fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
				}
			}
			conn.Close()
		}
	}()
	s := start(t, answers(reply(200, `{}`)), nil)
	s.app.BaseURL = "http://" + listener.Addr().String()
	if _, err := s.do(t, unsafe, args[unsafe]); err != nil {
		t.Fatal(err)
	}
	_, err = s.do(t, unsafe, args[unsafe])
	wantKind(t, err, bindings.Uncertain, false)
	s.Close()
	listener.Close()
	<-served
	if requests.Load() != 2 {
		t.Errorf("the vendor read %d requests, want 2", requests.Load())
	}
}

// TestUncertainNamesCode has the vendor's code in the text for which a run is held.
func TestUncertainNamesCode(t *testing.T) {
	for _, answer := range []func(http.ResponseWriter){
		reply(200, `{"ok":false,"error":"gone_fishing"}`),
		reply(200, `{"ok":false,"error":"gone_fishing","message":"we are off"}`),
		reply(500, `{"code":"gone_fishing","message":"we are off"}`),
		reply(503, `{"code":"gone_fishing"}`),
		reply(408, `{"code":"gone_fishing","message":"we are off"}`),
	} {
		s := start(t, answers(answer), nil)
		_, err := s.do(t, unsafe, args[unsafe])
		if wantKind(t, err, bindings.Uncertain, false); !strings.Contains(err.Error(), "gone_fishing") {
			t.Errorf("the text is %v", err)
		}
	}
}
