package dashboard_test

import (
	"bytes"
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the time of the clock at the beginning of each test.
var noon = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

// invoice is the approval that most tests use.
func invoice() journal.Approval {
	return journal.Approval{
		ID: "a1", Run: "run-7", Step: 3, Title: "Pay invoice 412?",
		Text:    "Supplier: Atelier Durand\nAmount:   4,820.00 EUR\n\nDue on 4 April 2026.",
		Choices: []string{"approve", "reject"}, Created: noon.Add(-2 * time.Hour), Expires: noon.Add(72 * time.Hour),
	}
}

// memoryStore implements dashboard.Store: the first decision counts.
type memoryStore struct {
	mu    sync.Mutex
	all   map[string]journal.Approval
	clock clock.Clock
	fail  error
	// read is called after each reading, to change the store between two requests.
	read func()
}

func (m *memoryStore) Approval(_ context.Context, id string) (journal.Approval, error) {
	m.mu.Lock()
	a, found := m.all[id]
	fail := m.fail
	m.mu.Unlock()
	if m.read != nil {
		m.read()
	}
	if fail == nil && !found {
		fail = journal.ErrNotFound
	}
	return a, fail
}

func (m *memoryStore) Decide(_ context.Context, id string, d journal.Decision) (journal.Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.all[id]
	switch {
	case m.fail != nil:
		return a, m.fail
	case a.Decision != nil:
		return a, journal.ErrDecided
	case !a.Expires.IsZero() && !m.clock.Now().Before(a.Expires):
		return a, journal.ErrExpired
	}
	a.Decision = &d
	m.all[id] = a
	return a, nil
}

func (m *memoryStore) decision(id string) *journal.Decision {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[id].Decision
}

// server is a dashboard over real HTTP, with a clock that the test sets.
type server struct {
	t         *testing.T
	store     *memoryStore
	dashboard *dashboard.Dashboard
	base      string
	log       bytes.Buffer
	clock     *clock.Manual
}

func serve(t *testing.T, approvals ...journal.Approval) *server {
	t.Helper()
	d := &server{t: t, clock: clock.NewManual(noon)}
	d.store = &memoryStore{all: map[string]journal.Approval{}, clock: d.clock}
	for _, a := range approvals {
		d.store.all[a.ID] = a
	}
	d.dashboard = dashboard.New(dashboard.Config{
		Store: d.store, Key: bytes.Repeat([]byte("k"), 32), BaseURL: func() string { return d.base },
		Clock: d.clock, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	pages := httptest.NewServer(d.dashboard.Handler())
	t.Cleanup(pages.Close)
	d.base = pages.URL
	return d
}

// link is the address of the invoice's page.
func (d *server) link() string { return d.dashboard.Link("a1", noon.Add(72*time.Hour)) }

// person is an HTTP client with cookies of its own.
type person struct {
	t      *testing.T
	client *http.Client
}

func (d *server) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &person{d.t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is a response with its body.
type page struct {
	*http.Response
	body string
}

// text returns the visible text of a page.
func (p page) text() string {
	_, body, _ := strings.Cut(p.body, "</style>")
	body = anyTag.ReplaceAllString(inlineTag.ReplaceAllString(body, ""), " ")
	return strings.Join(strings.Fields(html.UnescapeString(body)), " ")
}

var (
	inlineTag = regexp.MustCompile(`</?(time|bdi|span|code)\b[^>]*>`)
	anyTag    = regexp.MustCompile(`<[^>]*>`)
)

func (p *person) do(r *http.Request) page {
	p.t.Helper()
	resp, err := p.client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return page{resp, string(body)}
}

func (p *person) request(method, address, body string) *http.Request {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

func (p *person) get(address string) page {
	p.t.Helper()
	return p.do(p.request(http.MethodGet, address, ""))
}

var tokenField = regexp.MustCompile(`name="token" value="([^"]+)"`)

// fill opens a link and returns its form, filled in.
func (p *person) fill(link, choice, by, note string) url.Values {
	p.t.Helper()
	token := tokenField.FindStringSubmatch(p.get(link).body)
	if token == nil {
		p.t.Fatal("the page has no form")
	}
	return url.Values{"token": {token[1]}, "choice": {choice}, "by": {by}, "note": {note}}
}

// choose opens a link, fills in its form and sends it.
func (p *person) choose(link, choice, by, note string) page {
	p.t.Helper()
	return p.do(p.request(http.MethodPost, link, p.fill(link, choice, by, note).Encode()))
}

func (p page) wants(t *testing.T, status int, texts ...string) {
	t.Helper()
	if p.StatusCode != status {
		t.Errorf("status is %d, want %d:\n%s", p.StatusCode, status, p.text())
	}
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			t.Errorf("the page has no %q:\n%s", text, p.text())
		}
	}
}

var errDisk = errors.New("disk full")
