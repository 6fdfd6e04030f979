package call_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

var update = flag.Bool("update", false, "write the golden files anew")

// received is one way in which a sending can end.
type received struct {
	name   string
	answer func(w http.ResponseWriter) // nil: 200
	dial   func(context.Context) error // what connecting fails with
	change func(*call.Config, *connection.Settings, *bindings.App)
	used   bool                      // an earlier call uses up the limit
	stop   bool                      // the caller cancels when the request is answered, or dialled
	silent bool                      // the vendor never answers
	token  func(http.ResponseWriter) // the answer to a request for a token; nil: no tokens
}

var errStop = errors.New("the caller stops")

// hang waits until the sending is over.
func hang(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func refusedDial(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

func unknownHost(context.Context) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "crm.example", IsNotFound: true}}
}

var allReceived = []received{
	{name: "200", answer: reply(200, `{}`)},
	{name: "200, not JSON", answer: reply(200, `<html>`, "Content-Type", "text/html")},
	{name: "200, reports that it is not available", answer: reply(200, `{"ok":false,"error":"gone_fishing"}`)},
	{name: "200, reports that there is no such thing", answer: reply(200, `{"ok":false,"error":"no_channel"}`)},
	{name: "200, unknown charset", answer: reply(200, `{}`, "Content-Type", "application/json; charset=x-none")},
	{name: "200, cut", answer: half},
	{name: "200, too large", answer: reply(200, `{"text":"`+strings.Repeat("x", 3<<10)+`"}`)},
	{name: "400, too large", answer: reply(400, `{"text":"`+strings.Repeat("x", 3<<10)+`"}`)},
	{name: "300", answer: reply(300, `{}`)},
	{name: "301", answer: reply(301, ``, "Location", "/moved")},
	{name: "302", answer: reply(302, ``, "Location", "app://open")},
	{name: "303", answer: reply(303, ``, "Location", "https://elsewhere.example/made/1?key=secret")},
	{name: "304", answer: reply(304, ``)},
	{name: "307", answer: reply(307, ``, "Location", "https://elsewhere.example/v2")},
	{name: "308", answer: reply(308, ``, "Location", "//elsewhere.example/v2")},
	{name: "400", answer: reply(400, `{"message":"wrong"}`)},
	{name: "401", answer: reply(401, `{"message":"who are you"}`)},
	{name: "401, the token can be renewed", answer: reply(401, `{"message":"too old"}`), token: renewed},
	{name: "402", answer: reply(402, `{}`)},
	{name: "403", answer: reply(403, `{"message":"not you"}`)},
	{name: "404", answer: reply(404, `{}`)},
	{name: "408", answer: reply(408, `{}`)},
	{name: "409", answer: reply(409, `{}`)},
	{name: "422", answer: reply(422, `{"message":"odd"}`)},
	{name: "429", answer: reply(429, `{}`)},
	{name: "429, a minute", answer: reply(429, `{}`, "Retry-After", "60")},
	{name: "500", answer: reply(500, `{"message":"oops"}`)},
	{name: "501", answer: reply(501, `{}`)},
	{name: "502", answer: reply(502, `bad gateway`, "Content-Type", "text/plain")},
	{name: "503", answer: reply(503, `{"message":"down"}`)},
	{name: "503, a minute", answer: reply(503, `{}`, "Retry-After", "60")},
	{name: "504", answer: reply(504, `{}`)},
	{name: "599", answer: reply(599, `{}`)},
	{name: "the code of a broken connection", answer: reply(403, `{"code":"revoked"}`)},
	{name: "connection cut", answer: cut},
	{name: "no answer in time", silent: true},
	{name: "no connection", dial: refusedDial},
	{name: "no connection in time", dial: hang},
	{name: "unknown host", dial: unknownHost},
	{name: "caller stops before it is sent", dial: hang, stop: true},
	{name: "caller stops after it is sent", silent: true, stop: true},
	{name: "no token for now", token: reply(503, `{}`)},
	{name: "no token for good", token: reply(400, `{"error":"invalid_grant"}`)},
	{name: "the connection only reads", change: func(_ *call.Config, s *connection.Settings, _ *bindings.App) { s.ReadOnly = true }},
	{name: "no scope", change: func(_ *call.Config, s *connection.Settings, a *bindings.App) {
		s.Scopes = []string{"other"}
		a.Catalogue = scoped(a.Catalogue)
	}},
	{name: "our limit is used up", used: true, change: func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		a.Limits = []bindings.Limit{{Requests: 1, Per: time.Hour, Scope: bindings.PerConnection}}
	}},
}

// scoped adds a scope to the operations of the tests below.
func scoped(c *bindings.Catalogue) *bindings.Catalogue {
	for name := range args {
		op, _ := c.Operation(name)
		op.Scopes = []string{"writing"}
	}
	return c
}

// renewed answers with a token.
func renewed(w http.ResponseWriter) {
	reply(200, `{"access_token":"access","expires_in":3600,"token_type":"Bearer"}`)(w)
}

// earlierSendings is what was sent before the request that ends as received.
type earlierSendings int

const (
	nothing       earlierSendings = iota
	inThisCall                    // the first sending of the call was cut
	inAnotherCall                 // a call that was cut, and whose request is sent again
)

// cell is a request that ends as received, and what was sent before it.
type cell struct {
	name      string
	before    earlierSendings
	operation string
	age       time.Duration // of the other call
	ages      bool          // its key gets too old while it is sent
}

// The requests of the http library.
const (
	webGet  = "http.get"
	webPost = "http.post"
)

func (c cell) library() bool { return c.operation == webGet || c.operation == webPost }

// answers reports whether the vendor decides how it ends.
func (r received) answers() bool { return r.dial == nil && r.change == nil && r.token == nil }

// TestDecisions checks every way in which a sending can end, for each state of
// earlier sendings and each effect of repeating the request: the error, the
// number of requests, the begun record and the waits.
func TestDecisions(t *testing.T) {
	const file = "testdata/decisions.golden"
	cells := []cell{
		{"first, reads", nothing, safe, 0, false},
		{"first, idempotent", nothing, idempotent, 0, false},
		{"first, with a key", nothing, keyed, 0, false},
		{"first, the key gets too old", nothing, keyed, 0, true},
		{"first, unsafe", nothing, unsafe, 0, false},
		{"second, reads", inThisCall, safe, 0, false},
		{"second, idempotent", inThisCall, idempotent, 0, false},
		{"second, with a key", inThisCall, keyed, 0, false},
		{"second, the key gets too old", inThisCall, keyed, 0, true},
		{"again, idempotent", inAnotherCall, idempotent, time.Minute, false},
		{"again, with a key", inAnotherCall, keyed, time.Minute, false},
		{"again, the key gets too old", inAnotherCall, keyed, time.Second, true},
		{"again, the key is too old", inAnotherCall, keyed, time.Hour, false},
		{"again, unsafe", inAnotherCall, unsafe, time.Minute, false},
		{"first, http that reads", nothing, webGet, 0, false},
		{"first, http that writes", nothing, webPost, 0, false},
		{"second, http that reads", inThisCall, webGet, 0, false},
		{"again, http that writes", inAnotherCall, webPost, time.Minute, false},
	}
	ends := make([][]string, len(allReceived))
	t.Run("cells", func(t *testing.T) {
		for i, r := range allReceived {
			ends[i] = make([]string, len(cells))
			for k, c := range cells {
				if c.library() && !r.answers() {
					continue
				}
				t.Run(r.name+"/"+c.name, func(t *testing.T) {
					t.Parallel()
					ends[i][k] = r.try(t, c)
				})
			}
		}
	})
	var got strings.Builder
	for i, r := range allReceived {
		fmt.Fprintf(&got, "== %s\n", r.name)
		for k, end := range ends[i] {
			if end == "" || slices.Contains(ends[i][:k], end) {
				continue
			}
			for l, c := range cells {
				if ends[i][l] == end {
					fmt.Fprintf(&got, "%s\n", c.name)
				}
			}
			fmt.Fprintf(&got, "\t%s\n", end)
		}
	}
	if *update {
		must(t, os.MkdirAll("testdata", 0o755))
		must(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if got.String() != string(want) {
		t.Errorf("%s differs; -update writes it. Got\n%s", file, got.String())
	}
}

// try sends a request that ends as received, and describes the result.
func (r received) try(t *testing.T, c cell) string {
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	duration := time.Duration(0)
	if c.ages {
		duration = 5 * time.Second
	}
	var s *setup
	var mu sync.Mutex
	requests, dials := 0, 0
	done := make(chan struct{})
	handler := func(w http.ResponseWriter, one *http.Request) {
		mu.Lock()
		requests++
		first := requests == 1
		mu.Unlock()
		if c.before == inThisCall && first {
			cut(w)
			return
		}
		s.clock.Advance(duration)
		switch {
		case r.stop:
			stop(errStop)
			<-done
		case r.silent:
			select {
			case <-one.Context().Done():
			case <-done:
			}
		case r.answer == nil:
			reply(200, `{}`)(w)
		default:
			r.answer(w)
		}
	}
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { r.token(w) }))
	defer tokens.Close()
	dialer := &net.Dialer{}
	transport := &http.Transport{DisableKeepAlives: true}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		dials++
		first := dials == 1
		mu.Unlock()
		if r.dial == nil || c.before == inThisCall && first {
			return dialer.DialContext(ctx, network, address)
		}
		s.clock.Advance(duration)
		if r.stop {
			stop(errStop)
		}
		return nil, r.dial(ctx)
	}
	s = start(t, handler, func(config *call.Config, settings *connection.Settings, a *bindings.App) {
		config.MaxAnswer, config.Transport, config.AllowPrivate = 2<<10, transport, true
		if c.ages {
			a.KeyTTL = 4 * time.Second
		}
		a.Errors.Kinds["revoked"] = bindings.BrokenConnection
		if r.token != nil {
			a.Auth = []bindings.Auth{{Name: "oauth", Fields: []string{"client_id", "client_secret"}, Header: "Authorization",
				Format: "Bearer {access_token}", OAuth: &bindings.OAuth{TokenURL: tokens.URL}}}
			settings.Credentials = map[string]string{"client_id": "id", "client_secret": "secret", "refresh_token": "refresh"}
		}
		if r.change != nil {
			r.change(config, settings, a)
		}
	})
	defer close(done)
	if r.used && c.before != inThisCall {
		if _, err := s.do(t, safe, args[safe]); err != nil {
			t.Error(err)
		}
	}
	timeout := 10 * time.Second
	if (r.silent || r.dial != nil) && !r.stop {
		timeout = 500 * time.Millisecond // enough to reach the vendor
	}
	var again json.RawMessage
	if c.before == inAnotherCall {
		other := start(t, answers(cut), func(config *call.Config, _ *connection.Settings, _ *bindings.App) {
			config.MaxSendings, config.AllowPrivate = 1, true
		})
		_, err := c.send(t.Context(), t, other, timeout, nil)
		appError(t, err)
		again = bytes.ReplaceAll(other.sent[0], []byte(other.app.BaseURL), []byte(s.app.BaseURL))
		s.clock.follow(other.clock, c.age)
	}
	sent, err := c.send(ctx, t, s, timeout, again)
	end := fmt.Sprintf("%s\n\tsent %d, begun record %v, waits %v", described(err), sent, s.begun, s.clock.waits)
	return localAddress.ReplaceAllString(end, "HOST")
}

// send sends the cell's request and returns the number of sendings.
func (c cell) send(ctx context.Context, t *testing.T, s *setup, timeout time.Duration, again json.RawMessage) (int, error) {
	if !c.library() {
		request := s.request(t, c.operation, args[c.operation])
		request.Timeout, request.Again = timeout, again
		answer, err := s.Do(ctx, request)
		return answer.Sendings, err
	}
	request := call.HTTPRequest{BegunRecorder: s.recorder(), Again: again, Method: strings.TrimPrefix(c.operation, "http."), URL: s.app.BaseURL, Timeout: call.Duration(timeout)}
	answer, err := s.HTTP(ctx, request)
	return answer.Sendings, err
}

var localAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func described(err error) string {
	var e *bindings.Error
	switch {
	case err == nil:
		return "done"
	case !errors.As(err, &e):
		return err.Error()
	}
	kind := string(e.Kind)
	if e.Retryable {
		kind += ", retryable"
	}
	message, _, _ := strings.Cut(e.Message, "\n")
	return kind + ": " + message
}
