package call_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
	"github.com/tidewire/tidewire/engine/file"
)

// redirecting answers /<status> with that redirect to /target, or to the address
// in the query, and calls target for all other requests.
func redirecting(t *testing.T, all *[]receivedRequest, target func(http.ResponseWriter)) string {
	t.Helper()
	server := httptest.NewServer(recordRequests(all, func(w http.ResponseWriter, r *http.Request) {
		var status int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d", &status); err != nil {
			target(w)
			return
		}
		to := "/target"
		if r.URL.Query().Has("to") {
			to = r.URL.Query().Get("to")
		}
		if to != "" {
			w.Header().Set("Location", to)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// A redirect of a write is its answer. Nothing is sent to its Location.
func TestHTTPRedirectOfAWrite(t *testing.T) {
	var elsewhere []receivedRequest
	otherHost := httptest.NewServer(recordRequests(&elsewhere, reply200))
	defer otherHost.Close()
	tests := []struct {
		status       int
		to, location string
	}{
		{301, "/target", "/target"}, {302, "/target", "/target"}, {303, "/target", "/target"},
		{307, otherHost.URL + "/target", otherHost.URL + "/target"}, {308, otherHost.URL + "/target", otherHost.URL + "/target"},
		{301, otherHost.URL, otherHost.URL}, {307, "app://open", "app://open"}, {300, "/target", "/target"}, {304, "/target", "/target"},
		{302, "", ""}, {307, "", ""}, {301, "http://[", "http://["}, {308, "/%zz", "/%zz"},
	}
	for _, test := range tests {
		for _, method := range []string{"post", "put", "patch", "delete"} {
			t.Run(fmt.Sprint(method, test.status, test.to), func(t *testing.T) {
				var all []receivedRequest
				url := redirecting(t, &all, reply(200, `{}`))
				s := web(t, "127.0.0.1")
				answer, err := s.http(t, fmt.Sprintf(`{"method":%q,"url":"%s/%d","query":{"to":%q},"json":{"a":1}}`, method, url, test.status, test.to))
				if err != nil {
					t.Fatal(err)
				}
				if answer.Status != test.status || answer.Headers["location"] != test.location || answer.Sendings != 1 {
					t.Errorf("got %+v, want status %d and the location %q", answer, test.status, test.location)
				}
				if len(all) != 1 || all[0].Method != strings.ToUpper(method) || strings.Join(s.begun, " ") != "begin" {
					t.Errorf("sent %+v, begun record %v", all, s.begun)
				}
			})
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("another host got %+v", elsewhere)
	}
}

// A redirect that asks for the same request on the same host is followed, with
// all that was sent.
func TestHTTPRedirectThatRepeats(t *testing.T) {
	files := file.New(t.TempDir(), 1<<20)
	content := strings.Repeat("%PDF ", 50_000)
	hash, size, err := files.Put(strings.NewReader(content))
	must(t, err)
	stored := fmt.Sprintf(`{"file":"%s%s","name":"a.pdf","content_type":"application/pdf","size":%d}`, call.HashPrefix, hash, size)
	tests := []struct {
		name, fields, kind string
		body               func(string) bool
	}{
		{"JSON", `"json":{"a":1}`, "application/json", func(b string) bool { return b == `{"a":1}` }},
		{"text", `"body":"é"`, "text/plain; charset=utf-8", func(b string) bool { return b == "é" }},
		{"a file", `"file":` + stored, "application/pdf", func(b string) bool { return b == content }},
		{"a form with a file", `"multipart":{"note":"July","invoice":` + stored + `}`, "multipart/form-data", func(b string) bool {
			return strings.Contains(b, content) && strings.Contains(b, "July")
		}},
		{"nothing", `"query":{"x":1}`, "", func(b string) bool { return b == "" }},
	}
	for _, test := range tests {
		for _, status := range []int{307, 308} {
			for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
				t.Run(fmt.Sprint(test.name, status, method), func(t *testing.T) {
					var all []receivedRequest
					url := redirecting(t, &all, reply(201, `{"id":1}`))
					s := start(t, reply200, func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.AllowPrivate, c.Files = true, files })
					answer, err := s.http(t, fmt.Sprintf(`{"method":%q,"url":"%s/%d","headers":{"X-Own":"own"},"auth":{"bearer":"the-token"},%s}`, method, url, status, test.fields))
					if err != nil || answer.Status != 201 || answer.Body != `{"id":1}` || answer.Sendings != 1 || strings.Join(s.begun, " ") != "begin" {
						t.Fatalf("got %+v, %v, begun record %v", answer, err, s.begun)
					}
					if len(all) != 2 || all[1].URI != "/target" || all[1].Method != method || !test.body(all[1].Body) {
						t.Fatalf("sent %.300v", all)
					}
					for name, want := range map[string]string{"Authorization": "Bearer the-token", "X-Own": "own", "Referer": ""} {
						if got := all[1].Header.Get(name); got != want {
							t.Errorf("%s: sent %q, want %q", name, got, want)
						}
					}
					if got := all[1].Header.Get("Content-Type"); !strings.HasPrefix(got, test.kind) {
						t.Errorf("sent the content type %q, want %q", got, test.kind)
					}
				})
			}
		}
	}
}

// User data in a Location is no credential of the script's.
func TestHTTPRedirectWithUserData(t *testing.T) {
	var all []receivedRequest
	url := redirecting(t, &all, reply(201, `{}`))
	s := web(t, "127.0.0.1")
	to := strings.Replace(url, "http://", "http://u:p@", 1) + "/target"
	answer, err := s.http(t, fmt.Sprintf(`{"method":"POST","url":"%s/307","query":{"to":%q},"json":{"a":1}}`, url, to))
	if err != nil || answer.Status != 201 || len(all) != 2 || all[1].Header.Get("Authorization") != "" {
		t.Errorf("got %+v, %v; sent %+v", answer, err, all)
	}
}

func TestHTTPRedirectsInARow(t *testing.T) {
	tests := []struct {
		name, to string
		status   int
		location string
		sent     int
	}{
		{"one that repeats, then one that does not", "/303", 303, "/target", 2},
		{"without an end", "/307?to=/308", 307, "", 6},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var all []receivedRequest
			server := httptest.NewServer(recordRequests(&all, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/303":
					http.Redirect(w, r, "/target", http.StatusSeeOther)
				default:
					http.Redirect(w, r, test.to, http.StatusTemporaryRedirect)
				}
			}))
			defer server.Close()
			answer, err := web(t, "127.0.0.1").http(t, `{"method":"post","url":"`+server.URL+`/","body":"x"}`)
			if err != nil || answer.Status != test.status || test.location != "" && answer.Headers["location"] != test.location {
				t.Errorf("got %+v, %v", answer, err)
			}
			for _, one := range all {
				if one.Method != "POST" || one.Body != "x" {
					t.Errorf("sent %+v", one)
				}
			}
			if len(all) != test.sent {
				t.Errorf("%d requests were sent, want %d", len(all), test.sent)
			}
		})
	}
}

// A write that was redirected is one call: its last request decides whether it
// is uncertain.
func TestHTTPRedirectBegunRecord(t *testing.T) {
	tests := []struct {
		name   string
		target func(http.ResponseWriter)
		kind   bindings.ErrorKind
		sent   int
		begun  string
	}{
		{"cut", cut, bindings.Uncertain, 2, "begin"},
		{"500", reply(500, ``), bindings.Uncertain, 2, "begin"},
		{"429", reply(429, ``, "Retry-After", "99"), bindings.RateLimited, 2, "begin withdraw"},
		{"422", reply(422, ``), "", 2, "begin"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var sent atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent.Add(1)
				if r.URL.Path == "/target" {
					test.target(w)
					return
				}
				http.Redirect(w, r, "/target", http.StatusTemporaryRedirect)
			}))
			defer server.Close()
			s := web(t, "127.0.0.1")
			_, err := s.http(t, `{"method":"post","url":"`+server.URL+`","body":"x"}`)
			if test.kind == "" && err != nil || test.kind != "" && appError(t, err).Kind != test.kind {
				t.Errorf("got %v, want kind %q", err, test.kind)
			}
			if got := int(sent.Load()); got != test.sent || strings.Join(s.begun, " ") != test.begun {
				t.Errorf("%d requests, begun record %v; want %d, %s", got, s.begun, test.sent, test.begun)
			}
		})
	}
}

// A redirect of a read is followed, and another host gets no secret.
func TestHTTPRedirectOfARead(t *testing.T) {
	var here, there []receivedRequest
	otherHost := httptest.NewServer(recordRequests(&there, reply200))
	defer otherHost.Close()
	url := redirecting(t, &here, reply(200, `{"id":1}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		here, there = nil, nil
		request := `{"url":"%s/%d","query":{"key":"the-secret","to":%q},"headers":{"X-Api-Key":"the-secret","Cookie":"the-secret"},"auth":{"bearer":"the-secret"}}`
		answer, err := web(t, "127.0.0.1").http(t, fmt.Sprintf(request, url, status, "/target"))
		if err != nil || answer.Status != 200 || len(here) != 2 || here[1].Method != "GET" || here[1].Header.Get("X-Api-Key") != "the-secret" {
			t.Errorf("%d: got %+v, %v after %+v", status, answer, err, here)
		}
		answer, err = web(t, "127.0.0.1").http(t, fmt.Sprintf(request, url, status, otherHost.URL+"/target"))
		if err != nil || answer.Status != 200 || len(there) != 1 || strings.Contains(fmt.Sprint(there), "the-secret") {
			t.Errorf("%d: got %+v, %v; another host got %+v", status, answer, err, there)
		}
	}
}
