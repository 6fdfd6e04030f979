package ingest_test

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/ingest"
	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/script"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// apps returns crm, whose vendor signs with a public key and sends again only
// after 429; bank, which signs with a secret for each connection and checks the
// address first; and chat, which also sends forms.
func apps(t testing.TB) []*bindings.App {
	t.Helper()
	crm := catalogue(t, `trigger crm.contact.created {"vendor":"ContactCreate","record":"id"}
trigger crm.app.installed {"vendor":"INSTALL"}
trigger crm.app.uninstalled {"vendor":"UNINSTALL"}
`)
	bank := catalogue(t, `trigger bank.client.created {"vendor":"v1/clients","when":{"data.event":"created"},"record":"id"}
trigger bank.client.updated {"vendor":"v1/clients","when":{"data.event":"updated"},"record":"id"}
trigger bank.limit.exceeded {"vendor":"limited"}
`)
	return []*bindings.App{{
		Name: "crm", Catalogue: crm,
		Auth:     []bindings.Auth{{Name: "token", Fields: []string{"token"}, Optional: []string{"client_id"}, Header: "Authorization", Format: "Bearer {token}"}},
		Variants: []bindings.Variant{{Name: "company", Parent: true}},
		Account:  bindings.Account{Noun: "location", Paths: []string{"locationId", "altId"}, Parent: "companyId"},
		Webhook: &bindings.Webhook{
			SharedKey: new(true), AppID: &bindings.AppID{Path: "appId", End: "-"},
			Signatures: []bindings.Signature{
				{Name: "ed25519", Algorithm: bindings.Ed25519, Encoding: bindings.Base64, Header: "X-Crm-Signature",
					Value: "{signature}", Signed: "{body}", Key: publicKey(t), None: []string{"N/A"}},
				{Name: "old", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex, Header: "X-Old", Value: "{signature}", Signed: "{body}", OptIn: true},
			},
			MaxAge: time.Hour, Time: "timestamp", ID: "webhookId", Type: "type", RetryStatus: http.StatusTooManyRequests,
			InstallEvents: []string{"INSTALL", "UNINSTALL"}, Installed: []string{"INSTALL"}, Uninstalled: []string{"UNINSTALL"},
		},
	}, {
		Name: "bank", Catalogue: bank, Auth: token, Account: bindings.Account{Noun: "organisation"},
		Webhook: &bindings.Webhook{
			Signatures: []bindings.Signature{{Name: "hmac", Algorithm: bindings.HMACSHA256, Encoding: bindings.Hex,
				Header: "X-Bank-Signature", Value: "t={time},v1={signature}", Signed: "{time}.{body}"}},
			MaxAge: time.Hour, ID: "id", Type: "type", BareType: "notice", Data: "data", RetryStatus: http.StatusServiceUnavailable,
			Challenge: &bindings.Challenge{Type: "url_verification", TypePath: "type", Echo: "challenge"},
		},
	}, chat(t)}
}

var token = []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}}

func catalogue(t testing.TB, text string) *bindings.Catalogue {
	t.Helper()
	c, err := bindings.ParseCatalogue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var private = ed25519.NewKeyFromSeed([]byte(strings.Repeat("k", ed25519.SeedSize)))

func publicKey(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func privateKey(t testing.TB) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// receiver is a server over real HTTP, with a store in memory.
type receiver struct {
	*httptest.Server
	ingest *ingest.Server
	apps   []*bindings.App

	mu      sync.Mutex
	stored  map[string]journal.Event
	commits int
	fail    error

	// arrived, if set, receives a value for each event before it is stored.
	// Events are stored once release is closed.
	arrived, release chan struct{}
}

// slots is how many requests of a receiver may wait for the store.
const slots = 2

// newReceiver starts a receiver. The options change its Config.
func newReceiver(t testing.TB, options ...func(*ingest.Config)) *receiver {
	t.Helper()
	r := &receiver{apps: apps(t), stored: map[string]journal.Event{}}
	connections := []connection.Settings{
		{Name: "crm", Account: "loc1", Credentials: map[string]string{"token": "secret-token"}},
		{Name: "crm/agency", Account: "comp1", As: "company", Credentials: map[string]string{"token": "secret-token", "client_id": "app1-suffix"}},
		{Name: "bank", Credentials: map[string]string{"token": "secret-token"}, WebhookSecret: "bank-secret"},
		{Name: "chat", Account: "T1", Credentials: map[string]string{"token": "secret-token"}, WebhookSecret: "chat-secret"},
		{Name: "bank/lyon", Account: "lyon", Credentials: map[string]string{"token": "secret-token"}, WebhookSecret: "lyon-secret"},
	}
	set, err := connection.New(connection.Config{Apps: r.apps, Settings: connections, Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "in.lua"), `
on("in:/open", { verify = "none" }, function() end)
on("in:/orders", { verify = { scheme = "standard-webhooks", secret = secret "orders" }, id = "order.id" }, function() end)
on("in:/plain", { verify = { scheme = "hmac", header = "X-Sig", prefix = "sha256=", secret = secret "plain" } }, function() end)
on("in:/header", { verify = { scheme = "bearer", header = "X-Token", secret = secret "token" } }, function() end)
on("in:/token", { verify = { scheme = "bearer", secret = secret "token" } }, function() end)
`)
	scripts, err := script.Open(t.Context(), script.Config{Dir: dir, Machine: vm.New(vm.Config{Apps: r.apps}), Apps: r.apps})
	if err != nil {
		t.Fatal(err)
	}
	if problems := scripts.Problems(); len(problems) > 0 {
		t.Fatal(problems)
	}
	config := ingest.Config{
		Apps: r.apps, Connections: set, Generation: scripts.Generation, Accept: r.accept,
		Secret: func(name string) (string, error) {
			if name == "orders" {
				return "whsec_b3JkZXJzLXNlY3JldA==", nil
			}
			return name + "-secret", nil
		},
		InFlight:    slots,
		BodyTimeout: 300 * time.Millisecond,
		Clock:       clock.NewManual(now),
	}
	for _, option := range options {
		option(&config)
	}
	r.ingest = ingest.New(config)
	r.Server = httptest.NewServer(r.ingest.Handler())
	t.Cleanup(func() {
		r.Server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return r
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (r *receiver) accept(_ context.Context, events ...journal.Event) ([]journal.Receipt, error) {
	if r.arrived != nil {
		r.arrived <- struct{}{}
		<-r.release
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return nil, r.fail
	}
	r.commits++
	receipts := make([]journal.Receipt, len(events))
	for i, e := range events {
		if _, known := r.stored[e.ID]; known {
			receipts[i] = journal.Receipt{Duplicate: true, Stored: true}
			continue
		}
		r.stored[e.ID] = e
		receipts[i] = journal.Receipt{Stored: true, Runs: []string{"run_1"}, Responding: "run_1"}
	}
	return receipts, nil
}

// post sends a body, with the headers that sign returns unless it is nil.
func (r *receiver) post(t testing.TB, path, body string, sign func(body []byte) http.Header) (int, string, http.Header) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if sign != nil {
		for name, values := range sign([]byte(body)) {
			request.Header[name] = values
		}
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer), response.Header
}

// signed returns a function that signs with the app's n-th signature.
func signed(t testing.TB, app *bindings.App, n int, key string, at time.Time) func([]byte) http.Header {
	return func(body []byte) http.Header {
		header, err := app.Webhook.Signatures[n].Sign(key, "", at, body)
		if err != nil {
			t.Fatal(err)
		}
		return header
	}
}

func TestWebhook(t *testing.T) {
	all := apps(t)
	crm, bank := all[0], all[1]
	good := signed(t, crm, 0, privateKey(t), now)
	contact := `{"type":"ContactCreate","locationId":"loc1","webhookId":"w1","timestamp":"2026-11-23T11:59:00Z","id":"c1"}`
	client := `{"id":"e1","type":"v1/clients","data":{"event":"created","id":"cl1"}}`
	for _, c := range []struct {
		name, path, body string
		sign             func([]byte) http.Header
		status           int
		answer           string // part of the answer
		event            journal.Event
	}{
		{name: "the account is found in the body", path: "/hooks/crm", body: contact, sign: good, status: 200, answer: `"runs":1`,
			event: journal.Event{ID: "crm:w1", Type: "crm.contact.created", Connection: "crm", Account: "loc1", Record: "c1"}},
		{name: "a life-cycle event goes to the parent", path: "/hooks/crm",
			body: `{"type":"INSTALL","appId":"app1","locationId":"loc9","companyId":"comp1","webhookId":"w2"}`, sign: good, status: 200,
			event: journal.Event{ID: "crm/agency:w2", Type: "crm.app.installed", Connection: "crm/agency", Account: "loc9"}},
		{name: "an unknown type", path: "/hooks/crm", body: `{"type":"Novel","locationId":"loc1","webhookId":"w3"}`, sign: good, status: 200,
			event: journal.Event{ID: "crm:w3", Type: "crm.event.other", Connection: "crm", Account: "loc1"}},
		{name: "no id: the body's hash", path: "/hooks/crm", body: `{"type":"ContactCreate","locationId":"loc1"}`, sign: good, status: 200,
			event: journal.Event{ID: "crm:sha256-", Type: "crm.contact.created", Connection: "crm", Account: "loc1"}},
		{name: "unsigned", path: "/hooks/crm", body: contact, status: 401, answer: "no signature: header X-Crm-Signature is missing"},
		{name: "N/A is no signature", path: "/hooks/crm", body: contact, status: 401, answer: "no signature",
			sign: func([]byte) http.Header { return http.Header{"X-Crm-Signature": {"N/A"}} }},
		{name: "signed with another key", path: "/hooks/crm", body: contact, status: 401, answer: "does not match",
			sign: func(b []byte) http.Header { return good(append(b, ' ')) }},
		{name: "the older signature, not asked for", path: "/hooks/crm", body: contact, status: 401,
			sign: signed(t, crm, 1, "x", now)},
		{name: "too old by its body", path: "/hooks/crm", sign: good, status: 401, answer: "ago",
			body: `{"type":"ContactCreate","locationId":"loc1","webhookId":"w5","timestamp":"2026-11-23T10:00:00Z"}`},
		{name: "an account of nobody", path: "/hooks/crm", body: `{"type":"ContactCreate","locationId":"loc7"}`, sign: good, status: 404,
			answer: `no connection has the location \"loc7\"`},
		{name: "a connection of nobody", path: "/hooks/crm/rome", body: contact, sign: good, status: 404, answer: "crm/rome"},
		{name: "an app of nobody", path: "/hooks/erp", body: contact, sign: good, status: 404, answer: `no app \"erp\"`},
		{name: "not JSON", path: "/hooks/crm/agency", body: `{"type":`, sign: good, status: 400, answer: "JSON"},
		{name: "not an object", path: "/hooks/crm/agency", body: `[]`, sign: good, status: 400, answer: "JSON object"},
		{name: "a secret of the connection", path: "/hooks/bank", body: client, sign: signed(t, bank, 0, "bank-secret", now), status: 200,
			event: journal.Event{ID: "bank:e1", Type: "bank.client.created", Connection: "bank", Record: "cl1", Data: json.RawMessage(`{"event":"created","id":"cl1"}`)}},
		{name: "the named connection's secret", path: "/hooks/bank/lyon", body: client, sign: signed(t, bank, 0, "lyon-secret", now), status: 200,
			event: journal.Event{ID: "bank/lyon:e1", Type: "bank.client.created", Connection: "bank/lyon", Account: "lyon", Record: "cl1"}},
		{name: "another connection's secret", path: "/hooks/bank/lyon", body: client, sign: signed(t, bank, 0, "bank-secret", now), status: 401},
		{name: "too old by its signature", path: "/hooks/bank", body: client, sign: signed(t, bank, 0, "bank-secret", now.Add(-2*time.Hour)), status: 401, answer: "ago"},
		{name: "without the envelope", path: "/hooks/bank", body: `{"notice":"limited","id":"e2"}`, sign: signed(t, bank, 0, "bank-secret", now), status: 200,
			event: journal.Event{ID: "bank:e2", Type: "bank.limit.exceeded", Connection: "bank", Data: json.RawMessage(`{"notice":"limited","id":"e2"}`)}},
		{name: "the check of the address", path: "/hooks/bank", body: `{"type":"url_verification","challenge":"abc"}`,
			sign: signed(t, bank, 0, "bank-secret", now), status: 200, answer: "abc"},
		{name: "an unsigned check of the address", path: "/hooks/bank", body: `{"type":"url_verification","challenge":"abc"}`, status: 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			status, answer, _ := r.post(t, c.path, c.body, c.sign)
			if status != c.status || !strings.Contains(answer, c.answer) {
				t.Fatalf("got %d %s, want %d and %q", status, answer, c.status, c.answer)
			}
			if c.event.ID == "" {
				if len(r.stored) > 0 {
					t.Fatalf("stored %v, want nothing", r.stored)
				}
				return
			}
			for id, got := range r.stored {
				if !strings.HasPrefix(id, c.event.ID) || got.Type != c.event.Type || got.Connection != c.event.Connection ||
					got.Account != c.event.Account || got.Record != c.event.Record {
					t.Errorf("stored %+v, want %+v", got, c.event)
				}
				if c.event.Data != nil && string(got.Data) != string(c.event.Data) {
					t.Errorf("data: got %s, want %s", got.Data, c.event.Data)
				}
			}
			if len(r.stored) != 1 {
				t.Errorf("stored %d events, want one", len(r.stored))
			}
			if status, answer, _ = r.post(t, c.path, c.body, c.sign); status != 200 || !strings.Contains(answer, "repeated") {
				t.Errorf("sent again: got %d %s, want 200 and repeated", status, answer)
			}
		})
	}
}

func TestInbound(t *testing.T) {
	standard := func(key, id string) func([]byte) http.Header {
		return func(body []byte) http.Header {
			header, err := bindings.StandardWebhooks.Sign(key, id, now, body)
			if err != nil {
				t.Fatal(err)
			}
			return header
		}
	}
	hmac := func(key string) func([]byte) http.Header {
		return func(body []byte) http.Header {
			header, err := bindings.PlainHMAC("X-Sig", "sha256=", bindings.Hex).Sign(key, "", now, body)
			if err != nil {
				t.Fatal(err)
			}
			return header
		}
	}
	bearer := func(token string) func([]byte) http.Header {
		return func([]byte) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	}
	for _, c := range []struct {
		name, path, body string
		sign             func([]byte) http.Header
		status           int
		answer, id       string
	}{
		{"open to anybody", "/in/open", `{"a":1}`, nil, 200, "accepted", "in:/open:"},
		{"no script listens", "/in/nowhere", `{}`, nil, 404, "no script listens to in:/nowhere", ""},
		{"standard webhooks", "/in/orders", `{"order":{"id":7}}`, standard("whsec_b3JkZXJzLXNlY3JldA==", "m1"), 200, "", "in:/orders:7"},
		{"standard webhooks without the id that the script names", "/in/orders", `{}`, standard("whsec_b3JkZXJzLXNlY3JldA==", "m1"), 422, "order.id", ""},
		{"standard webhooks, another secret", "/in/orders", `{"order":{"id":7}}`, standard("whsec_b3RoZXI=", "m1"), 401, "", ""},
		{"hmac in a header", "/in/plain", `{}`, hmac("plain-secret"), 200, "", "in:/plain:"},
		{"hmac with another key", "/in/plain", `{}`, hmac("x"), 401, "", ""},
		{"bearer token", "/in/token", `{}`, bearer("token-secret"), 200, "", "in:/token:"},
		{"another token", "/in/token", `{}`, bearer("token-secre"), 401, "Authorization", ""},
		{"no token", "/in/token", `{}`, nil, 401, "", ""},
		{"not JSON", "/in/open", `{"a":`, nil, 400, "not JSON", ""},
		{"nested to exhaust us", "/in/open", strings.Repeat("[", 200_000) + strings.Repeat("]", 200_000), nil, 400, "not JSON", ""},
		{"a path not written plainly", "/in/x/../open", `{}`, nil, 404, "/in/<path>", ""},
		{"a path with two slashes", "//in/open", `{}`, nil, 404, "/in/<path>", ""},
		{"no path", "/in", `{}`, nil, 404, "/in/<path>", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			status, answer, _ := r.post(t, c.path, c.body, c.sign)
			if status != c.status || !strings.Contains(answer, c.answer) {
				t.Fatalf("got %d %s, want %d and %q", status, answer, c.status, c.answer)
			}
			for id, event := range r.stored {
				if c.id == "" || !strings.HasPrefix(id, c.id) || string(event.Data) != c.body {
					t.Errorf("stored %s with %s", id, event.Data)
				}
			}
			if (c.id != "") != (len(r.stored) == 1) {
				t.Errorf("stored %d events", len(r.stored))
			}
		})
	}
}

// TestStoreFails sends events that cannot be stored. They are refused with the
// status after which the vendor sends again.
func TestStoreFails(t *testing.T) {
	for _, c := range []struct {
		path   string
		app    int
		key    string
		body   string
		status int
	}{
		{"/hooks/crm", 0, privateKey(t), `{"type":"ContactCreate","locationId":"loc1"}`, 429},
		{"/hooks/bank", 1, "bank-secret", `{"id":"e1","type":"v1/clients","data":{}}`, 503},
	} {
		r := newReceiver(t)
		r.fail = journal.ErrFull
		status, answer, header := r.post(t, c.path, c.body, signed(t, r.apps[c.app], 0, c.key, now))
		if status != c.status || header.Get("Retry-After") == "" {
			t.Errorf("%s: got %d %s, Retry-After %q; want %d with one", c.path, status, answer, header.Get("Retry-After"), c.status)
		}
		if strings.Contains(answer, journal.ErrFull.Error()) {
			t.Errorf("the answer has the error of the store: %s", answer)
		}
	}
}

// TestNothingIsAcknowledged sends what is acknowledged without being stored, while
// nothing may be: each vendor is asked to send it again.
func TestNothingIsAcknowledged(t *testing.T) {
	refuses := func(c *ingest.Config) { c.Check = func() error { return journal.ErrReplaced } }
	r := newReceiver(t, refuses)
	check := `{"id":"c1","type":"url_verification","challenge":"abc"}`
	if status, answer, header := r.post(t, "/hooks/bank", check, signed(t, r.apps[1], 0, "bank-secret", now)); status != 503 || header.Get("Retry-After") == "" {
		t.Errorf("a check of the address: got %d %s, want 503", status, answer)
	}
	s, b := newSubscribed(t, refuses)
	for state, status := range map[string]int{"sync": 503, "exists": 503} {
		header := headers("X-Goog-Channel-Token", "calendar-secret", "X-Goog-Resource-State", state)
		if got, answer, _ := s.post(t, "/hooks/calendar?subscription=calendar", "", header); got != status {
			t.Errorf("%s: got %d %s, want %d", state, got, answer, status)
		}
	}
	if len(b.calls) > 0 {
		t.Errorf("%v were called", b.calls)
	}
}

// TestConfirmCannotBeStored: the vendor that sends its secret is asked to send it
// again, and its subscription is not refused.
func TestConfirmCannotBeStored(t *testing.T) {
	r, b := newSubscribed(t)
	b.confirm = journal.ErrUnwritable
	status, answer, header := r.post(t, "/hooks/tasks/paris?subscription=new", "", headers("X-Hook-Secret", "the-vendor's-own"))
	if status != 503 || header.Get("X-Hook-Secret") != "" {
		t.Errorf("got %d %s, want 503", status, answer)
	}
}

func TestHealth(t *testing.T) {
	reason := ""
	r := newReceiver(t, func(c *ingest.Config) { c.Unready = func() string { return reason } })
	get := func(path string, status int, text string) {
		t.Helper()
		response, err := http.Get(r.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if body, _ := io.ReadAll(response.Body); response.StatusCode != status || string(body) != text {
			t.Errorf("%s: got %d %q, want %d %q", path, response.StatusCode, body, status, text)
		}
	}
	get("/healthz", 200, "ok\n")
	get("/readyz", 200, "ok\n")
	reason = "full"
	get("/healthz", 200, "ok\n")
	get("/readyz", 503, "full\n")
}

func TestRequestBounds(t *testing.T) {
	r := newReceiver(t)
	large := `{"a":"` + strings.Repeat("x", ingest.MaxBody) + `"}`
	if status, answer, _ := r.post(t, "/in/open", large, nil); status != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 5 MiB: got %d %s", status, answer)
	}
	request, err := http.NewRequest(http.MethodPost, r.URL+"/in/open", io.MultiReader(strings.NewReader(large))) // of unknown length
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over 5 MiB in chunks: got %s", response.Status)
	}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
		request, err := http.NewRequest(method, r.URL+"/hooks/crm", nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusMethodNotAllowed || response.Header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: got %s, Allow %q", method, response.Status, response.Header.Get("Allow"))
		}
	}
}

// TestSlowSender sends a body that never ends; the server closes the connection.
func TestSlowSender(t *testing.T) {
	r := newReceiver(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.ingest.Serve(ctx, listener, time.Second) }()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /in/open HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(clocktest.MaxWait)); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("the server did not close the connection: %v", err)
	}
	if len(answer) > 0 && !strings.Contains(string(answer), "408") {
		t.Errorf("got %q, want 408 or nothing", answer)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestCounts(t *testing.T) {
	r := newReceiver(t)
	sign := signed(t, r.apps[0], 0, privateKey(t), now)
	body := `{"type":"ContactCreate","locationId":"loc1","webhookId":"w1"}`
	r.post(t, "/hooks/crm", body, sign)
	r.post(t, "/hooks/crm", body, sign)
	r.post(t, "/hooks/crm", body, nil)
	r.post(t, "/hooks/made-up-"+strings.Repeat("x", 50), body, nil)
	got, err := json.Marshal(r.ingest.Counts())
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"where":"crm","outcome":"accepted","count":1},{"where":"crm","outcome":"repeated","count":1},` +
		`{"where":"crm","outcome":"unsigned","count":1},{"where":"other","outcome":"app","count":1}]`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// FuzzWebhookBody sends any body with a valid signature: it is stored or refused,
// and the server does not crash.
func FuzzWebhookBody(f *testing.F) {
	r := newReceiver(f)
	sign := signed(f, r.apps[1], 0, "bank-secret", now)
	for _, body := range []string{`{}`, `[]`, `{"id":"e","type":"v1/clients","data":{"event":"created","id":1}}`, `{"type":{"a":[1]},"data":null}`,
		`{"type":"url_verification","challenge":{"x":1}}`, `{"id":"` + strings.Repeat("x", 5000) + `"}`, "\x00\xff", `{"a":1}{"b":2}`} {
		f.Add([]byte(body))
	}
	handler := r.ingest.Handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		request := httptest.NewRequest(http.MethodPost, "/hooks/bank", strings.NewReader(string(body)))
		request.Header = sign(body)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		switch answer.Code {
		case 200:
			if !json.Valid(body) {
				t.Errorf("acknowledged a body that is not JSON: %q", body)
			}
		case 400:
		default:
			t.Errorf("got %d for %q", answer.Code, body)
		}
	})
}

// BenchmarkReceive measures a signed webhook over HTTP. Accept stores in memory.
func BenchmarkReceive(b *testing.B) {
	r := newReceiver(b)
	r.fail = nil
	sign := signed(b, r.apps[1], 0, "bank-secret", now)
	body := `{"id":"e1","type":"v1/clients","data":{"event":"created","id":"cl1"}}`
	for b.Loop() {
		if status, answer, _ := r.post(b, "/hooks/bank", body, sign); status != 200 {
			b.Fatal(status, answer)
		}
	}
}
