package ingest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/clock/clocktest"
	"github.com/tidewire/tidewire/engine/ingest"
)

// open sends the head of a request whose body does not come, and returns the first
// line of the answer: "100 Continue" as soon as the server waits for the body.
func open(t *testing.T, server *httptest.Server, head string) (string, *bufio.Reader, net.Conn) {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetReadDeadline(time.Now().Add(clocktest.MaxWait)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head+"Host: x\r\nExpect: 100-continue\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer := bufio.NewReader(conn)
	line, err := answer.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", head, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "HTTP/1.1 ")), answer, conn
}

// TestRefusedBeforeTheBody: what the head of a request decides is answered without
// its body.
func TestRefusedBeforeTheBody(t *testing.T) {
	var unloaded []string
	r := newReceiver(t, func(c *ingest.Config) { c.Unloaded = func() []string { return unloaded } })
	s, _ := newSubscribed(t)
	const length = "Content-Length: 100\r\n"
	for _, c := range []struct {
		name   string
		server *httptest.Server
		head   string
		want   string
	}{
		{"an address with a hook", r.Server, "POST /in/open HTTP/1.1\r\n" + length, "100 Continue"},
		{"a signature that may match", r.Server, "POST /in/plain HTTP/1.1\r\nX-Sig: sha256=00\r\n" + length, "100 Continue"},
		{"a webhook with a signature", r.Server, "POST /hooks/bank HTTP/1.1\r\nX-Bank-Signature: t=1,v1=00\r\n" + length, "100 Continue"},
		{"the secret is in the body", s.Server, "POST /hooks/teams?subscription=messages HTTP/1.1\r\n" + length, "100 Continue"},

		{"an unknown path", r.Server, "POST /in/nowhere HTTP/1.1\r\n" + length, "404 Not Found"},
		{"no path of ours", r.Server, "POST /other HTTP/1.1\r\n" + length, "404 Not Found"},
		{"an unknown app", r.Server, "POST /hooks/erp HTTP/1.1\r\n" + length, "404 Not Found"},
		{"an unknown connection", r.Server, "POST /hooks/bank/rome HTTP/1.1\r\nX-Bank-Signature: t=1,v1=00\r\n" + length, "401 Unauthorized"},
		{"an unknown subscription", s.Server, "POST /hooks/tasks/paris?subscription=x HTTP/1.1\r\nX-Hook-Signature: 00\r\n" + length, "410 Gone"},
		{"another method", r.Server, "PUT /in/open HTTP/1.1\r\n" + length, "405 Method Not Allowed"},
		{"an announced length above the bound", r.Server, "POST /in/open HTTP/1.1\r\nContent-Length: 5242881\r\n", "413 Request Entity Too Large"},
		{"no signature", r.Server, "POST /hooks/bank HTTP/1.1\r\n" + length, "401 Unauthorized"},
		{"no signature, of several connections", r.Server, "POST /hooks/crm HTTP/1.1\r\n" + length, "401 Unauthorized"},
		{"the word for no signature", r.Server, "POST /hooks/crm HTTP/1.1\r\nX-Crm-Signature: N/A\r\n" + length, "401 Unauthorized"},
		{"a signature that cannot be read", r.Server, "POST /hooks/bank HTTP/1.1\r\nX-Bank-Signature: x\r\n" + length, "401 Unauthorized"},
		{"no signature, to a script", r.Server, "POST /in/plain HTTP/1.1\r\n" + length, "401 Unauthorized"},
		{"no id beside the signature", r.Server, "POST /in/orders HTTP/1.1\r\nWebhook-Signature: v1,AAAA\r\n" + length, "401 Unauthorized"},
		{"no token", r.Server, "POST /in/token HTTP/1.1\r\n" + length, "401 Unauthorized"},
		{"another token", r.Server, "POST /in/token HTTP/1.1\r\nAuthorization: Bearer x\r\n" + length, "401 Unauthorized"},
		{"no secret in a header", s.Server, "POST /hooks/calendar?subscription=calendar HTTP/1.1\r\n" + length, "401 Unauthorized"},
		{"a check of the address", s.Server, "POST /hooks/teams?validationToken=abc HTTP/1.1\r\n" + length, "200 OK"},
	} {
		if got, _, _ := open(t, c.server, c.head); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	unloaded = []string{"billing"}
	if got, _, _ := open(t, r.Server, "POST /in/nowhere HTTP/1.1\r\n"+length); got != "503 Service Unavailable" {
		t.Errorf("while a script is not loaded: got %s", got)
	}
}

// TestAnsweredWithoutTheBody: an answer does not wait for a body that is not
// needed.
func TestAnsweredWithoutTheBody(t *testing.T) {
	s, _ := newSubscribed(t)
	for head, want := range map[string]string{
		"POST /hooks/teams?validationToken=abc HTTP/1.1\r\n":  "200 OK",
		"POST /hooks/teams?validationToken= HTTP/1.1\r\n":     "400 Bad Request",
		"POST /hooks/tasks/paris?subscription=x HTTP/1.1\r\n": "410 Gone",
	} {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(clocktest.MaxWait)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head+"Host: x\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 "+want) {
			t.Errorf("%s: got %q, %v", head, answer, err)
		}
	}
}

// TestRefusalsAllocateLittle: a refused request costs no memory of its body.
func TestRefusalsAllocateLittle(t *testing.T) {
	r := newReceiver(t)
	handler := r.ingest.Handler()
	body := strings.Repeat("x", 4<<20)
	for _, path := range []string{"/in/nowhere", "/hooks/erp", "/hooks/crm/rome", "/hooks/bank", "/in/token"} {
		request := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		handler.ServeHTTP(httptest.NewRecorder(), request)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 64<<10 {
			t.Errorf("%s: %d bytes were allocated", path, allocated)
		}
	}
}

// TestBodyAllocatesLittle: a body of unknown length takes less than twice its memory
// at a time.
func TestBodyAllocatesLittle(t *testing.T) {
	r := newReceiver(t, func(c *ingest.Config) { c.InFlightBytes = 128 << 20 })
	body := `"` + strings.Repeat("x", 5<<20-2) + `"`
	request := httptest.NewRequest(http.MethodPost, "/in/open", io.MultiReader(strings.NewReader(body))) // of unknown length
	var before, after runtime.MemStats
	answer := httptest.NewRecorder()
	runtime.ReadMemStats(&before)
	r.ingest.Handler().ServeHTTP(answer, request)
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; answer.Code != 200 || allocated > 20<<20 {
		t.Errorf("got %d, and %d bytes were allocated for a body of %d", answer.Code, allocated, len(body))
	}
}

// proxied is a config whose senders are those of X-Forwarded-For.
func proxied(c *ingest.Config) {
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	c.BodyTimeout, c.SlowAfter = clocktest.MaxWait, clocktest.MaxWait
}

// TestVerifiedPathsGetIn: while slow connections hold all that paths without
// verified events may have, a path with one is served, and later is not.
func TestVerifiedPathsGetIn(t *testing.T) {
	const slow, half = 20_000, 25 // the length of a slow body, and how many fill the half
	clock := clock.NewManual(now)
	r := newReceiver(t, proxied, func(c *ingest.Config) { c.InFlightBytes, c.Clock = 2*half*(slow+512), clock })
	client := `{"id":"e%d","type":"v1/clients","data":{"event":"created","id":"cl1"}}`
	verified := func(id int, from string) int {
		t.Helper()
		status, _, _ := r.post(t, "/hooks/bank", fmt.Sprintf(client, id), func(body []byte) http.Header {
			header := signed(t, r.apps[1], 0, "bank-secret", clock.Now())(body)
			header.Set("X-Forwarded-For", from)
			return header
		})
		return status
	}
	if status := verified(1, "192.0.2.1"); status != 200 {
		t.Fatalf("got %d", status)
	}
	heads := []string{
		"POST /in/open HTTP/1.1\r\n", "POST /hooks/crm HTTP/1.1\r\nX-Crm-Signature: AAAA\r\n",
		"POST /hooks/crm/agency HTTP/1.1\r\nX-Crm-Signature: AAAA\r\n", "POST /in/plain HTTP/1.1\r\nX-Sig: sha256=00\r\n",
	}
	waiting := 0
	for i := range 121 {
		from := fmt.Sprintf("X-Forwarded-For: 198.51.100.%d\r\n", i+1)
		line, _, conn := open(t, r.Server, heads[i%len(heads)]+from+fmt.Sprintf("Content-Length: %d\r\n", slow))
		if line == "100 Continue" {
			waiting++
			if _, err := io.WriteString(conn, strings.Repeat("x", 15000)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if waiting != half {
		t.Errorf("%d slow connections are waited for, want %d", waiting, half)
	}
	if status := verified(2, "192.0.2.1"); status != 200 {
		t.Errorf("a path with verified events: got %d", status)
	}
	if line, _, _ := open(t, r.Server, heads[0]+"X-Forwarded-For: 192.0.2.1\r\nContent-Length: 10\r\n"); line != "503 Service Unavailable" {
		t.Errorf("a path without verified events: got %s", line)
	}
	clock.Advance(time.Hour + time.Second)
	if status := verified(3, "192.0.2.1"); status != 503 {
		t.Errorf("a path whose verified event is an hour old: got %d", status)
	}
}

// TestBudgets: one path has a quarter of the bytes, and one sender an eighth, also
// of paths with verified events.
func TestBudgets(t *testing.T) {
	const body = 10_000
	for _, c := range []struct {
		name  string
		heads []string // in turn
		from  string   // with the number of the request
		want  int
	}{
		{"one path", []string{"POST /in/open HTTP/1.1\r\n"}, "198.51.100.%d", 1 << 20 / 4 / (body + 512)},
		{"one sender", []string{"POST /in/open HTTP/1.1\r\n", "POST /in/plain HTTP/1.1\r\nX-Sig: sha256=00\r\n"}, "198.51.100.7", 1 << 20 / 8 / (body + 512)},
		{"one sender that names another before itself", []string{"POST /in/open HTTP/1.1\r\n"}, "203.0.113.%d, 198.51.100.7", 1 << 20 / 8 / (body + 512)},
		{"one network of IPv6", []string{"POST /in/open HTTP/1.1\r\n"}, "2001:db8::%d", 1 << 20 / 8 / (body + 512)},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t, proxied, func(c *ingest.Config) { c.InFlightBytes = 1 << 20 })
			waiting := 0
			for i := range 40 {
				from := strings.ReplaceAll(c.from, "%d", fmt.Sprint(i+1))
				line, _, _ := open(t, r.Server, c.heads[i%len(c.heads)]+"X-Forwarded-For: "+from+fmt.Sprintf("\r\nContent-Length: %d\r\n", body))
				switch line {
				case "100 Continue":
					waiting++
				case "503 Service Unavailable":
				default:
					t.Fatalf("got %s", line)
				}
			}
			if waiting != c.want {
				t.Errorf("%d bodies are waited for, want %d", waiting, c.want)
			}
		})
	}
}

// TestForwardedForOfAnybody: a sender that is no trusted proxy cannot choose its
// address.
func TestForwardedForOfAnybody(t *testing.T) {
	r := newReceiver(t, proxied, func(c *ingest.Config) { c.InFlightBytes, c.TrustedProxies = 1<<20, nil })
	waiting := 0
	for i := range 40 {
		line, _, _ := open(t, r.Server, fmt.Sprintf("POST /in/open HTTP/1.1\r\nX-Forwarded-For: 198.51.100.%d\r\nContent-Length: 10000\r\n", i+1))
		if line == "100 Continue" {
			waiting++
		}
	}
	if want := 1 << 20 / 8 / 10512; waiting != want {
		t.Errorf("%d bodies are waited for, want %d", waiting, want)
	}
}

// TestSlowBody: a body that stops is cut long before the time for the request is
// over.
func TestSlowBody(t *testing.T) {
	r := newReceiver(t, func(c *ingest.Config) { c.BodyTimeout, c.SlowAfter = clocktest.MaxWait, 20*time.Millisecond })
	line, answer, conn := open(t, r.Server, "POST /in/open HTTP/1.1\r\nContent-Length: 100\r\n")
	if line != "100 Continue" {
		t.Fatalf("got %s", line)
	}
	if _, err := io.WriteString(conn, "{"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(answer)
	if err != nil || !strings.Contains(string(rest), "408 Request Timeout") || !strings.Contains(string(rest), "slower than 1 KiB a second") {
		t.Errorf("got %q, %v", rest, err)
	}
}
