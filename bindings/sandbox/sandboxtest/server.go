// Package sandboxtest helps tests of what the sandbox serves: a started
// sandbox with a clock of its own, requests with checks of their answers, and
// a receiver of webhooks.
package sandboxtest

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// Server is a started sandbox and a client of it.
type Server struct {
	*sandbox.Sandbox
	Clock *Clock
	t     testing.TB
}

// Clock is a clock that only Advance moves.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Now is the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Advance moves the time forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Start starts a sandbox on loopback at 2026-03-04T05:06:07Z, and ends it with
// the test. Its ids are the same each time.
func Start(t testing.TB, config sandbox.Config) *Server {
	t.Helper()
	clock := &Clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}
	config.Seed, config.Now = 42, clock.Now
	s, err := sandbox.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context(), "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return &Server{Sandbox: s, Clock: clock, t: t}
}

// StartApp starts a sandbox of one app.
func StartApp(t testing.TB, app *bindings.App, rules *sandbox.Rules, config sandbox.Config) *Server {
	t.Helper()
	config.Apps, config.Rules = []*bindings.App{app}, map[string]*sandbox.Rules{app.Name: rules}
	return Start(t, config)
}

// Answer is the answer to a request.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	t      testing.TB
}

// Get is the value at a path of the body, as Value returns it.
func (a Answer) Get(path string) string { return Value(a.Body, path) }

// Is checks the status, and the values at paths: pairs of path and value.
func (a Answer) Is(status int, pairs ...string) Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Errorf("status %d, expected %d: %s", a.Status, status, a.Body)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.Get(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s is %q, expected %q: %s", pairs[i], got, pairs[i+1], a.Body)
		}
	}
	return a
}

// Call sends "METHOD /app/path" with a JSON body, a token, HighLevel's usual
// version and further headers: pairs of name and value.
func (s *Server) Call(line, body string, headers ...string) Answer {
	s.t.Helper()
	a, err := s.Try(line, body, headers...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// Try is Call for a request that may get no answer.
func (s *Server) Try(line, body string, headers ...string) (Answer, error) {
	s.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.base()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+sandbox.Token)
	r.Header.Set("Version", "2021-07-28")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	got, err := client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		return Answer{}, err
	}
	return Answer{got.StatusCode, got.Header, string(raw), s.t}, nil
}

// Post sends a form.
func (s *Server) Post(path, form string) Answer {
	s.t.Helper()
	return s.Call("POST "+path, form, "Content-Type", "application/x-www-form-urlencoded")
}

// Follow calls the address that an answer has at a path.
func (s *Server) Follow(from Answer, path string) Answer {
	s.t.Helper()
	below, found := strings.CutPrefix(from.Get(path), s.base())
	if !found {
		s.t.Fatalf("no address below %s at %s: %s", s.base(), path, from.Body)
	}
	return s.Call("GET "+below, "")
}

func (s *Server) base() string { return strings.TrimSuffix(s.URL("x"), "/x") }
