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

	"github.com/tidewire/tidewire/engine/dashboard"
	"github.com/tidewire/tidewire/engine/journal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the tests take place.
var noon = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)

// invoice is what most tests ask.
func invoice() journal.Approval {
	return journal.Approval{
		ID: "a1", Run: "run-7", Step: 3, Title: "Pay invoice 412?",
		Text:    "Supplier: Atelier Durand\nAmount:   4,820.00 EUR\n\nDue on 4 April 2026.",
		Choices: []string{"approve", "reject"}, Created: noon.Add(-2 * time.Hour), Expires: noon.Add(72 * time.Hour),
	}
}

// memory keeps approvals as a journal does: the first decision counts.
type memory struct {
	mu   sync.Mutex
	all  map[string]journal.Approval
	now  func() time.Time
	fail error
	// read is called after each reading, for what happens between two requests.
	read func()
}

func (m *memory) Approval(_ context.Context, id string) (journal.Approval, error) {
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

func (m *memory) Decide(_ context.Context, id string, d journal.Decision) (journal.Approval, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.all[id]
	switch {
	case m.fail != nil:
		return a, m.fail
	case a.Decision != nil:
		return a, journal.ErrDecided
	case !a.Expires.IsZero() && !m.now().Before(a.Expires):
		return a, journal.ErrExpired
	}
	a.Decision = &d
	m.all[id] = a
	return a, nil
}

func (m *memory) decision(id string) *journal.Decision {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all[id].Decision
}

// desk is a dashboard that is served.
type desk struct {
	t     *testing.T
	store *memory
	board *dashboard.Dashboard
	base  string
	log   bytes.Buffer

	mu  sync.Mutex
	now time.Time
}

func serve(t *testing.T, approvals ...journal.Approval) *desk {
	t.Helper()
	d := &desk{t: t, now: noon}
	d.store = &memory{all: map[string]journal.Approval{}, now: d.time}
	for _, a := range approvals {
		d.store.all[a.ID] = a
	}
	d.board = dashboard.New(dashboard.Config{
		Store: d.store, Key: bytes.Repeat([]byte("k"), 32), BaseURL: func() string { return d.base },
		Now: d.time, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
	})
	server := httptest.NewServer(d.board.Handler())
	t.Cleanup(server.Close)
	d.base = server.URL
	return d
}

func (d *desk) time() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now
}

func (d *desk) set(t time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.now = t
}

// link is that of the invoice.
func (d *desk) link() string { return d.board.Link("a1", noon.Add(72*time.Hour)) }

// person is somebody with a browser of their own.
type person struct {
	t      *testing.T
	client *http.Client
}

func (d *desk) person() *person {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &person{d.t, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer, read whole.
type page struct {
	*http.Response
	body string
}

// text is what a reader sees of a page, without its style.
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

// fill opens a link and fills in its form.
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
