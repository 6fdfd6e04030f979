package call_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// web makes a client whose http library may reach these hosts.
func web(t testing.TB, allow ...string) *setup {
	return start(t, answers(reply(200, `{}`)), func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.AllowHosts = allow })
}

func (s *setup) http(t testing.TB, request string) (call.HTTPAnswer, error) {
	t.Helper()
	r := call.HTTPRequest{BegunRecorder: s.recorder()}
	if err := json.Unmarshal([]byte(request), &r); err != nil {
		t.Fatal(err)
	}
	return s.HTTP(t.Context(), r)
}

func TestHTTP(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/bytes":
			_, _ = w.Write([]byte{0xff, 0x00})
		case "/missing":
			reply(404, "no")(w)
		case "/echo":
			reply(200, r.Header.Get("Authorization"))(w)
		default:
			reply(201, `{"id":1}`, "X-Two", "2")(w)
		}
	}))
	defer server.Close()
	s := web(t, "127.0.0.1")

	answer, err := s.http(t, `{"method":"post","url":"`+server.URL+`/x?a=1","query":{"b":[2,3]},"headers":{"X-One":"1"},"json":{"n":1},"auth":{"bearer":"tok"},"timeout":"5s"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got.RequestURI != "/x?a=1&b=2&b=3" || string(body) != `{"n":1}` || got.Header.Get("Content-Type") != "application/json" ||
		got.Header.Get("Authorization") != "Bearer tok" || got.Header.Get("X-One") != "1" {
		t.Errorf("sent %s %s %v", got.RequestURI, body, got.Header)
	}
	if answer.Status != 201 || answer.Body != `{"id":1}` || answer.Headers["x-two"] != "2" || answer.Sendings != 1 || strings.Join(s.begun, " ") != "begin" {
		t.Errorf("got %+v, begun record %v", answer, s.begun)
	}
	if answer, err = s.http(t, `{"url":"`+server.URL+`/echo","auth":{"bearer":"the-token"}}`); err != nil || answer.Body != "Bearer [secret]" {
		t.Errorf("got %+v, %v: want the secret that the answer repeats to be hidden", answer, err)
	}
	if answer, err = s.http(t, `{"url":"`+server.URL+`/missing","auth":{"user":"u","password":"p"}}`); err != nil || answer.Status != 404 || answer.Body != "no" {
		t.Errorf("got %+v, %v: want a status, not an error", answer, err)
	}
	if user, password, _ := got.BasicAuth(); user != "u" || password != "p" {
		t.Errorf("sent the user %q and the password %q", user, password)
	}
	if answer, err = s.http(t, `{"url":"`+server.URL+`/bytes"}`); err != nil || answer.Base64 != "/wA=" || answer.Body != "" {
		t.Errorf("got %+v, %v: want base64", answer, err)
	}
	if _, err = s.http(t, `{"method":"post","url":"`+server.URL+`","form":{"a b":"1 2&3","list":["x","y"],"in":{"n":1.50,"yes":true},"none":null}}`); err != nil ||
		string(body) != "a+b=1+2%263&list=x&list=y&in[n]=1.50&in[yes]=true" || got.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
		t.Errorf("sent %q with the type %q, %v", body, got.Header.Get("Content-Type"), err)
	}
	if _, err = s.http(t, `{"method":"put","url":"`+server.URL+`","body":"plain"}`); err != nil || string(body) != "plain" {
		t.Errorf("sent %q, %v", body, err)
	}
}

func TestHTTPRetries(t *testing.T) {
	tests := []struct {
		name, method string
		answers      []func(http.ResponseWriter)
		kind         bindings.ErrorKind
		status       int
		sent         int
	}{
		{"503 then fine", "get", list(reply(503, ``), reply(200, ``)), "", 200, 2},
		{"503 for ever", "get", list(reply(503, `down`)), "", 503, 5},
		{"500 of a get", "get", list(reply(500, `down`)), "", 500, 1},
		{"500 of a post", "post", list(reply(500, `down`)), bindings.Uncertain, 0, 1},
		{"501 of a post", "post", list(reply(501, `never`)), "", 501, 1},
		{"cut of a post", "post", list(cut), bindings.Uncertain, 0, 1},
		{"cut of a get", "get", list(cut, reply(204, ``)), "", 204, 2},
		{"429 then fine", "post", list(reply(429, ``, "Retry-After", "1"), reply(200, ``)), "", 200, 2},
		{"429 for long", "get", list(reply(429, ``, "Retry-After", "99")), bindings.RateLimited, 0, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(answers(test.answers...))
			defer server.Close()
			s := web(t, "127.0.0.0/8")
			answer, err := s.http(t, `{"method":"`+test.method+`","url":"`+server.URL+`/p?token=hidden"}`)
			switch {
			case test.kind == "" && err != nil:
				t.Fatal(err)
			case test.kind != "":
				if e := appError(t, err); e.Kind != test.kind || !strings.HasPrefix(e.Message, "http."+test.method+" 127.0.0.1:") || e.Operation != "http."+test.method || strings.Contains(e.Error(), "hidden") {
					t.Errorf("got %v, want kind %s", e, test.kind)
				}
			}
			if answer.Status != test.status || answer.Sendings != test.sent {
				t.Errorf("got %+v, want status %d after %d", answer, test.status, test.sent)
			}
		})
	}
}

// A private network cannot be reached, by address, by name or by redirect.
func TestHTTPInnerNetwork(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the inner network was reached") }))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	s := web(t)
	for host, why := range map[string]string{
		"127.0.0.1": "loopback", "localhost": "loopback", "[::1]": "loopback", "[::ffff:127.0.0.1]": "loopback", "0.0.0.0": "unspecified",
	} {
		_, err := s.http(t, `{"url":"http://`+host+`:`+port+`/"}`)
		e := wantKind(t, err, bindings.Forbidden, false, "is not on the public internet", why, "http.allow")
		if strings.Contains(e.Message, "dial tcp") {
			t.Errorf("%s: the message is not for people: %s", host, e.Message)
		}
	}
	outside := httptest.NewServer(http.RedirectHandler(strings.Replace(server.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), http.StatusFound))
	defer outside.Close()
	outer := strings.TrimPrefix(outside.URL, "http://")
	_, err := web(t, outer).http(t, `{"url":"`+outside.URL+`"}`)
	wantKind(t, err, bindings.Forbidden, false, "loopback")
}

// A redirect to another host sends no secret there.
func TestHTTPRedirect(t *testing.T) {
	var got http.Header
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		reply(200, ``)(w)
	}))
	defer there.Close()
	here := httptest.NewServer(http.RedirectHandler(there.URL, http.StatusFound))
	defer here.Close()
	if _, err := web(t, "127.0.0.1").http(t, `{"url":"`+here.URL+`","headers":{"X-Api-Key":"secret"},"auth":{"bearer":"secret"}}`); err != nil {
		t.Fatal(err)
	}
	for name, values := range got {
		if strings.Contains(strings.Join(values, ""), "secret") {
			t.Errorf("the other host got %s: %v", name, values)
		}
	}
}

func TestHTTPRefused(t *testing.T) {
	tests := []struct{ request, words string }{
		{`{"url":"ftp://host/x"}`, "https or http"},
		{`{"url":"file:///etc/passwd"}`, "such as https://"},
		{`{"url":"nonsense"}`, "such as https://"},
		{`{"url":"https://user:pass@host/"}`, "no user in the address"},
		{`{"url":"https://host/","body":"x"}`, "takes no body"},
		{`{"url":"https://host/","method":"post","body":"x","json":1}`, "found more than one"},
		{`{"url":"https://host/","method":"post","form":{"a":1},"json":1}`, "found more than one"},
		{`{"url":"https://host/","method":"post","form":{"f":{"file":"inline","name":"a","text":"b"}}}`, `form: "f" is a file; send it with multipart`},
		{`{"url":"https://host/","method":"post","form":["a"]}`, `"form": expected a table of names and values`},
		{`{"url":"https://host/","method":"CONNECT"}`, "found \"CONNECT\""},
	}
	s := web(t)
	for _, test := range tests {
		_, err := s.http(t, test.request)
		wantKind(t, err, bindings.Invalid, false, test.words)
	}
	var d call.HTTPRequest
	for text, fine := range map[string]bool{`5`: true, `0.5`: true, `"2m"`: true, `-1`: false, `"soon"`: false, `{}`: false} {
		if err := json.Unmarshal([]byte(`{"timeout":`+text+`}`), &d); (err == nil) != fine {
			t.Errorf("timeout %s: %v", text, err)
		}
	}
}
