package call_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

// once makes each call send its request once. Connections are not used again, as
// net/http sends a request itself once more when such a connection is cut.
func once(c *call.Config, _ *connection.Settings, _ *bindings.App) {
	c.MaxSendings, c.AllowPrivate, c.Transport = 1, true, &http.Transport{DisableKeepAlives: true}
}

// Which answers count as failures of a host.
func TestFailuresThatOpenACircuit(t *testing.T) {
	fail, fine := reply(503, `{}`), reply(200, `{}`)
	five := func(one func(http.ResponseWriter)) []func(http.ResponseWriter) {
		return list(one, one, one, one, one, fine)
	}
	for name, test := range map[string]struct {
		answers []func(http.ResponseWriter)
		open    bool
	}{
		"502":                          {five(reply(502, `{}`)), true},
		"503":                          {five(fail), true},
		"504":                          {five(reply(504, `{}`)), true},
		"cut":                          {five(cut), true},
		"cut in the answer":            {five(half), true},
		"500":                          {five(reply(500, `{}`)), false},
		"501":                          {five(reply(501, `{}`)), false},
		"404":                          {five(reply(404, `{}`)), false},
		"408":                          {five(reply(408, `{}`)), false},
		"429":                          {five(reply(429, `{}`, "Retry-After", "60")), false},
		"302":                          {five(reply(302, ``, "Location", "/x")), false},
		"four":                         {list(fail, fail, fail, fail, fine), false},
		"a success between":            {list(fail, fail, fail, fine, fail, fail, fine), false},
		"a 404 between":                {list(fail, fail, fail, reply(404, `{}`), fail, fail, fine), false},
		"failures of different kinds":  {list(fail, cut, reply(504, `{}`), half, reply(502, `{}`), fine), true},
		"a 429 between ends the count": {list(fail, fail, fail, fail, reply(429, `{}`), fail, fine), false},
	} {
		t.Run(name, func(t *testing.T) {
			var sent atomic.Int32
			handler := answers(test.answers...)
			s := start(t, func(w http.ResponseWriter, r *http.Request) { sent.Add(1); handler(w, r) }, once)
			for range len(test.answers) - 1 {
				_, _ = s.do(t, safe, `{}`)
			}
			before := sent.Load()
			answer, err := s.do(t, safe, `{}`)
			if refused := answer.Refused != nil; refused != test.open {
				t.Fatalf("refused: %v (%v), want %v", refused, err, test.open)
			}
			if open := s.OpenCircuits(); (len(open) == 1) != test.open {
				t.Errorf("open circuits: %+v", open)
			}
			if !test.open {
				return
			}
			if sent.Load() != before || answer.Sendings != 0 {
				t.Errorf("it was sent")
			}
			wantKind(t, err, bindings.Unavailable, true, "failed 5 times in a row", "next call is tried at 2026-03-01T09:00:05Z", "it was not sent")
		})
	}
}

// A call of the http library meets the circuit of its host, whatever the path,
// and the calls of an app at the same host do not.
func TestCircuitIsPerAppAndHost(t *testing.T) {
	s := start(t, answers(reply(503, `{}`)), once)
	get := func(path string) (call.HTTPAnswer, error) {
		return s.HTTP(t.Context(), call.HTTPRequest{URL: s.app.BaseURL + path})
	}
	for range 5 {
		if answer, err := get("/a"); err != nil || answer.Status != 503 {
			t.Fatalf("got %+v, %v, want the answer", answer, err)
		}
	}
	if answer, err := get("/b"); answer.Refused == nil {
		t.Errorf("another path of the host: got %+v, %v, want it refused", answer, err)
	}
	if answer, err := s.do(t, safe, `{}`); answer.Refused != nil || answer.Sendings != 1 {
		t.Errorf("an app at that host: %v", err)
	}
}

// The request of a call that waits to be sent again is not sent once a circuit
// opens: the run has its place for nothing.
func TestCircuitEndsTheWaitsOfACall(t *testing.T) {
	for name, first := range map[string]func(http.ResponseWriter){
		"for the next sending": reply(503, `{}`, "Retry-After", "5"),
		"after a rate limit":   reply(429, `{}`, "Retry-After", "5"),
	} {
		t.Run(name, func(t *testing.T) {
			manual := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
			waits := make(chan struct{}, 1)
			s := start(t, answers(first, cut), func(c *call.Config, _ *connection.Settings, _ *bindings.App) {
				c.Clock, c.Observe, c.Unlimited = manual, nil, true
			})
			request := s.request(t, idempotent, args[idempotent])
			request.Waits = func(what string, _ time.Time) {
				if what != "" {
					waits <- struct{}{}
				}
			}
			ended := make(chan call.Answer)
			go func() {
				answer, _ := s.Do(t.Context(), request)
				ended <- answer
			}()
			<-waits
			for range 5 { // each unsafe call is sent once
				_, _ = s.Do(t.Context(), s.request(t, unsafe, args[unsafe]))
			}
			if answer := <-ended; answer.Refused == nil || answer.Sendings != 1 {
				t.Errorf("got %+v, want it refused after one sending", answer)
			}
		})
	}
}

// While the circuit is open one call at a time is sent; if that is canceled
// another is.
// Calls to one address of a host fail, and the reads of look-ups at another are sent.
func TestLookupsHaveACircuitOfTheirOwn(t *testing.T) {
	down := true // the notes that look-ups read
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/notes" && r.Method == http.MethodGet && !down {
			reply(200, `{"notes":[]}`)(w)
			return
		}
		reply(503, `{}`)(w)
	}, once)
	s.useFindCatalogue(t, `[{"operation":"notes.list","match":{"text":"a"}}]`)
	b := call.Begun{App: s.app, Operation: s.op(t, "notes.write"), Args: []byte(`{}`), Sent: []byte(`{"at":"2026-03-01T09:00:00Z","method":"POST","url":"/notes"}`)}
	find := func() (call.Found, error) {
		return s.Find(t.Context(), call.FindRequest{Begun: b, Find: b.FindFor(""), Connection: "crm/paris"})
	}
	for range 5 {
		_, _ = s.do(t, "notes.get", `{"id":"1"}`)
	}
	if answer, _ := s.do(t, "notes.get", `{"id":"1"}`); answer.Refused == nil {
		t.Fatal("a call is sent")
	}
	down = false
	if found, err := find(); err != nil || found.Refused != nil {
		t.Errorf("the read of a look-up: %v", err)
	}
	if answer, _ := s.do(t, "notes.get", `{"id":"1"}`); answer.Refused == nil {
		t.Error("a call is sent after the read of a look-up was answered")
	}
	down = true
	for range 5 {
		_, _ = find()
	}
	found, err := find()
	if found.Refused == nil {
		t.Error("the read of a look-up is sent after five that failed")
	}
	wantKind(t, err, bindings.Unavailable, true, "look-ups of crm at 127.0.0.1", "failed 5 times in a row")
	if open := s.OpenCircuits(); len(open) != 2 || open[0].Lookup == open[1].Lookup {
		t.Errorf("open circuits: %+v", open)
	}
}

func TestCanceledProbeIsFollowedByAnother(t *testing.T) {
	arrived, goOn := make(chan struct{}, 1), make(chan struct{})
	failing := answers(list(cut, cut, cut, cut, cut)...)
	var hangs atomic.Bool
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		if !hangs.Load() {
			failing(w, r)
			return
		}
		arrived <- struct{}{}
		select {
		case <-goOn:
			reply(404, `{}`)(w)
		case <-r.Context().Done():
		}
	}, once)
	for range 5 {
		_, _ = s.do(t, safe, `{}`)
	}
	hangs.Store(true)
	s.clock.Advance(5 * time.Second)
	probe := func(stop <-chan struct{}) chan call.Answer {
		ended := make(chan call.Answer, 1)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			select {
			case <-stop:
				cancel()
			case <-ctx.Done():
			}
		}()
		go func() {
			defer cancel()
			answer, _ := s.Do(ctx, s.request(t, safe, `{}`))
			ended <- answer
		}()
		<-arrived
		return ended
	}
	stop := make(chan struct{})
	first := probe(stop)
	if answer, err := s.do(t, safe, `{}`); answer.Refused == nil || !answer.Refused.Probing {
		t.Errorf("a second call at the same time: %+v, %v", answer, err)
	}
	close(stop)
	<-first
	second := probe(nil)
	close(goOn)
	if answer := <-second; answer.Status != 404 {
		t.Errorf("got %+v", answer)
	}
	if open := s.OpenCircuits(); len(open) != 0 {
		t.Errorf("a 404 does not close the circuit: %+v", open)
	}
}

// The log has when a circuit opens, when a try fails, and when it closes.
func TestCircuitIsLogged(t *testing.T) {
	var log bytes.Buffer
	s := start(t, answers(list(cut, cut, cut, cut, cut, reply(502, `{}`), reply(200, `{}`))...), func(c *call.Config, settings *connection.Settings, a *bindings.App) {
		once(c, settings, a)
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 5 {
		_, _ = s.do(t, safe, `{}`)
	}
	for _, wait := range []time.Duration{5 * time.Second, 10 * time.Second} {
		s.clock.Advance(wait)
		_, _ = s.do(t, safe, `{}`)
	}
	host := strings.TrimPrefix(s.app.BaseURL, "http://")
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	want := [][]string{
		{"level=WARN", "several in a row failed", "app=crm host=" + host, "failures=5", "last=", "cut", "next_try=2026-03-01T09:00:05Z"},
		{"level=WARN", "still fails", "failures=6", "last=\"it answered 502\"", "next_try=2026-03-01T09:00:15Z"},
		{"level=INFO", "are sent to a host again", "app=crm host=" + host, "after=15s"},
	}
	if len(lines) != len(want) {
		t.Fatalf("the log has %d lines, want %d:\n%s", len(lines), len(want), log.String())
	}
	for i, parts := range want {
		for _, part := range parts {
			if !strings.Contains(lines[i], part) {
				t.Errorf("line %d lacks %q: %s", i+1, part, lines[i])
			}
		}
	}
}

// Which sendings without an answer count as failures of a host.
func TestSendingsWithoutAnAnswerThatOpenACircuit(t *testing.T) {
	for name, test := range map[string]struct {
		dial func(context.Context) error // nil: the vendor is silent
		open bool
	}{
		"no answer in time":     {nil, true},
		"no connection":         {refusedDial, true},
		"no connection in time": {hang, true},
		"unknown host":          {unknownHost, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(c *call.Config, _ *connection.Settings, _ *bindings.App) {
				transport := &http.Transport{DisableKeepAlives: true}
				if test.dial != nil {
					transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) { return nil, test.dial(ctx) }
				}
				c.MaxSendings, c.Transport = 1, transport
			})
			request := s.request(t, safe, `{}`)
			request.Timeout = 20 * time.Millisecond
			for range 5 {
				if answer, err := s.Do(t.Context(), request); answer.Refused != nil || err == nil {
					t.Fatalf("got %+v, %v", answer, err)
				}
			}
			if answer, err := s.Do(t.Context(), request); (answer.Refused != nil) != test.open {
				t.Errorf("refused: %v, want %v: %v", answer.Refused != nil, test.open, err)
			}
		})
	}
}
