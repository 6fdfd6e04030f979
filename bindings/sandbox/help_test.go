package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// world is a started sandbox and a client of it.
type world struct {
	*sandbox.Sandbox
	t     *testing.T
	clock *clock
}

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func start(t *testing.T, config sandbox.Config) world {
	t.Helper()
	w := world{t: t, clock: &clock{at: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)}}
	config.Apps, config.Seed, config.Now = all.Apps(), 42, w.clock.now
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
	w.Sandbox = s
	return w
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
	t      *testing.T
}

func (a answer) get(path string) string { return gjson.Get(a.body, path).String() }

// is checks the status and pairs of path and value.
func (a answer) is(status int, pairs ...string) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Errorf("status %d, expected %d: %s", a.status, status, a.body)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if got := a.get(pairs[i]); got != pairs[i+1] {
			a.t.Errorf("%s is %q, expected %q: %s", pairs[i], got, pairs[i+1], a.body)
		}
	}
	return a
}

// call sends "METHOD /app/path" with a JSON body and further headers.
func (w world) call(line, body string, headers ...string) answer {
	w.t.Helper()
	a, err := w.try(line, body, headers...)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

func (w world) try(line, body string, headers ...string) (answer, error) {
	w.t.Helper()
	method, path, _ := strings.Cut(line, " ")
	base := strings.TrimSuffix(w.URL("x"), "/x")
	r, err := http.NewRequestWithContext(w.t.Context(), method, base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
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
		return answer{}, err
	}
	defer got.Body.Close()
	said, err := io.ReadAll(got.Body)
	if err != nil {
		return answer{}, err
	}
	return answer{got.StatusCode, got.Header, string(said), w.t}, nil
}

func (w world) post(path, form string) answer {
	w.t.Helper()
	return w.call("POST "+path, form, "Content-Type", "application/x-www-form-urlencoded")
}

func records(w world, app, resource string) []gjson.Result {
	var all []gjson.Result
	for _, r := range w.Records(app, resource) {
		all = append(all, gjson.ParseBytes(r))
	}
	return all
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}
