package call_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// record stores the address of the last request.
func record(uri *string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*uri = r.RequestURI
		reply(200, `{}`)(w)
	}
}

func TestRaw(t *testing.T) {
	var got *http.Request
	var body []byte
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		reply(200, `{"done":true}`)(w)
	}, nil)
	r := call.RawRequest{App: s.app, Connection: "crm/paris", BegunRecorder: s.recorder()}
	if err := json.Unmarshal([]byte(`{"method":"post","path":"/contacts/ä b/new","query":{"q":"a&b","in":{"x":[1,2]}},"headers":{"X-Own":"1"},"body":{"n":1.50}}`), &r); err != nil {
		t.Fatal(err)
	}
	answer, err := s.Raw(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if string(answer.Body) != `{"done":true}` || strings.Join(s.begun, " ") != "begin" {
		t.Errorf("got %s, begun record %v", answer.Body, s.begun)
	}
	if want := "/contacts/%C3%A4%20b/new?q=a%26b&in[x]=1&in[x]=2"; got.RequestURI != want || got.Method != "POST" || string(body) != `{"n":1.50}` {
		t.Errorf("sent %s %s %s, want %s", got.Method, got.RequestURI, body, want)
	}
	if got.Header.Get("Authorization") != "Bearer very-secret-token" || got.Header.Get("X-Own") != "1" || got.Header.Get("Version") != "2021-07-28" {
		t.Errorf("sent the headers %v", got.Header)
	}
}

// An edition's raw requests have its own headers and its name.
func TestRawOfAnEdition(t *testing.T) {
	var version string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		version = r.Header.Get("Version")
		reply(404, `{"message":"no such thing"}`)(w)
	}, nil)
	v3, err := bindings.ParseEdition("v3", []byte(`operation contacts.get {"id":"g","method":"GET","path":"/contacts/{id}","in_path":["id!: string"],"fixed":{"Version":"v3"}}`))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Editions = []bindings.Edition{v3}
	r := call.RawRequest{App: s.app, Connection: "crm/paris", Catalogue: v3.Catalogue, Path: "/contacts/c1/new", BegunRecorder: s.recorder()}
	_, err = s.Raw(t.Context(), r)
	if err == nil || !strings.HasPrefix(err.Error(), "crm.v3.request: no such thing") || version != "v3" {
		t.Errorf("sent Version %q, got %v", version, err)
	}
	r.Path = "contacts"
	if _, err := s.Raw(t.Context(), r); err == nil || !strings.Contains(err.Error(), "crm.v3.request {") {
		t.Errorf("got %v", err)
	}
	op, _ := s.app.Operation("v3.contacts.get")
	_, err = s.Do(t.Context(), call.Request{App: s.app, Operation: op, Connection: "crm/paris", Args: []byte(`{"ids":"1"}`)})
	if err == nil || !strings.Contains(err.Error(), "crm.v3.contacts.get { id: string }") {
		t.Errorf("got %v", err)
	}
}

func TestRawRefused(t *testing.T) {
	tests := []struct{ request, words string }{
		{`{}`, `begins with "/"`},
		{`{"path":"contacts"}`, `begins with "/"`},
		{`{"path":"//evil.example/x"}`, `begins with "/"`},
		{`{"path":"https://evil.example/x"}`, `begins with "/"`},
		{`{"path":"/a/../../admin"}`, `leads elsewhere`},
		{`{"path":"/a/%2e%2e/admin"}`, `leads elsewhere`},
		{`{"path":"/a\\b"}`, `is not a path`},
		{`{"path":"/a?b=c"}`, `put what follows into query`},
		{`{"path":"/a","method":"TRACE"}`, `expected one of GET`},
		{`{"path":"/a","query":"x=1"}`, `expected a table of names and values`},
		{`{"path":"/a","headers":{"Host":"evil.example"}}`, `header "Host" cannot be set`},
		{`{"path":"/a","headers":{"X":"a\r\nY: b"}}`, `cannot be sent`},
	}
	s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, nil)
	for _, test := range tests {
		r := call.RawRequest{App: s.app, Connection: "crm/paris"}
		if err := json.Unmarshal([]byte(test.request), &r); err != nil {
			t.Fatal(err)
		}
		_, err := s.Raw(t.Context(), r)
		wantKind(t, err, bindings.Invalid, false, test.words, "crm.request {")
	}
}

func TestRawReadOnly(t *testing.T) {
	var got string
	s := start(t, record(&got), func(_ *call.Config, settings *connection.Settings, _ *bindings.App) { settings.ReadOnly = true })
	if _, err := s.Raw(t.Context(), call.RawRequest{App: s.app, Connection: "crm/paris", Path: "/a"}); err != nil || got != "/a" {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := s.Raw(t.Context(), call.RawRequest{App: s.app, Connection: "crm/paris", Method: "POST", Path: "/a"})
	wantKind(t, err, bindings.Forbidden, false, "read_only")
}

// Whatever the path, the request stays on the connection's host and below its
// address.
func FuzzRawPath(f *testing.F) {
	for _, seed := range []string{"/a", "//x", "/..", "/a/%2e%2e/b", "/\\evil", "/a;b", "/%", "/@evil", "/a%2f..%2fb"} {
		f.Add(seed)
	}
	var got string
	s := start(f, record(&got), func(_ *call.Config, _ *connection.Settings, a *bindings.App) { a.BaseURL += "/v2" })
	f.Fuzz(func(t *testing.T, path string) {
		got = ""
		_, err := s.Raw(t.Context(), call.RawRequest{App: s.app, Connection: "crm/paris", Path: path})
		if err == nil && !strings.HasPrefix(got, "/v2/") {
			t.Fatalf("%q reached %q", path, got)
		}
	})
}
