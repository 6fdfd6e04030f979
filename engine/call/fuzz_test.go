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

// canned is a vendor without a network.
type canned func(*http.Request) *http.Response

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) { return c(r), nil }

// Whatever a vendor answers, a script gets JSON or an error that can be recorded.
func FuzzAnswer(f *testing.F) {
	f.Add(200, "application/json", `{"ok":true,"items":[{"id":1}],"next":"n"}`)
	f.Add(200, "text/html", `<html>`)
	f.Add(422, "application/json", `{"message":["a",1,null],"code":{}}`)
	f.Add(429, "", "\xff\xfe")
	f.Add(503, "application/json; charset=\"", `"very-secret-token\u0000"`)
	f.Add(302, "", strings.Repeat("[", 20000))
	var response func() *http.Response
	s := start(f, answers(reply(200, ``)), func(c *call.Config, _ *connection.Settings, _ *bindings.App) {
		c.Transport = canned(func(*http.Request) *http.Response { return response() })
		c.Observe = nil
	})
	pages := []*bindings.Pages{
		{Items: "items", Cursors: map[string]string{"after": "next"}}, {Cursors: map[string]string{"after": "item:id"}},
		{Items: "items", Page: "page", Next: "next"}, {Items: "items", Offset: "offset", Size: 1},
		{Items: bindings.OneList}, {Items: bindings.OneList, Page: "page", ZeroBased: true, Size: 1},
	}
	f.Fuzz(func(t *testing.T, status int, kind, body string) {
		response = func() *http.Response {
			return &http.Response{StatusCode: 200 + abs(status)%400, Header: http.Header{"Content-Type": {kind}, "Retry-After": {kind}},
				Body: io.NopCloser(strings.NewReader(body))}
		}
		for _, operation := range []string{safe, unsafe} {
			answer, err := s.do(t, operation, args[operation])
			if err != nil {
				if e := appError(t, err); e.Message == "" || len(e.Body) > 0 && !json.Valid(e.Body) || strings.Contains(e.Error()+string(e.Body), "very-secret-token") {
					t.Fatalf("an error that cannot be stored: %#v", e)
				}
				continue
			}
			if !json.Valid(answer.Body) {
				t.Fatalf("the answer is no JSON: %q", answer.Body)
			}
			for _, p := range pages {
				items, next, err := call.Page(&bindings.Operation{Pages: p}, json.RawMessage(`{}`), answer.Body)
				if err == nil && (!json.Valid(items) || next != nil && !json.Valid(next)) {
					t.Fatalf("a page that is no JSON: %q, %q", items, next)
				}
			}
		}
	})
}

// Whatever the arguments, unchecked ones too, the request goes to the
// connection's host, below its address, and its JSON is valid.
func FuzzArguments(f *testing.F) {
	for _, seed := range []string{
		`{"contactId":"../../x","filter":{"a":{"b":[1]}},"status":[null,{}],"name":1e999}`, `{"contactId":"%2e%2e"}`,
		`{"a":"\u0000\n","b":[[]],"id":"?#"}`, `{"file":{"name":"\r\n\"","text":"x"},"X-Note":"y"}`, `[]`, `{"amount":1e3,"reference":1E400}`,
	} {
		f.Add(seed)
	}
	var problem string
	s := start(f, answers(reply(200, ``)), func(c *call.Config, _ *connection.Settings, a *bindings.App) {
		a.BaseURL = "https://crm.example/v2"
		c.Observe = nil
		c.Transport = canned(func(r *http.Request) *http.Response {
			body := []byte("null")
			if r.Body != nil {
				body, _ = io.ReadAll(r.Body)
			}
			if r.URL.Host != "crm.example" || !strings.HasPrefix(r.URL.EscapedPath(), "/v2/") || strings.Contains(r.URL.Path+"/", "/../") && !strings.Contains(r.URL.EscapedPath(), "%2F") {
				problem = r.URL.String()
			}
			if r.Header.Get("Content-Type") == "application/json" && !json.Valid(body) {
				problem = string(body)
			}
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}
		})
	})
	f.Fuzz(func(t *testing.T, args string) {
		for _, name := range s.app.Catalogue.Operations() {
			problem = ""
			r := s.request(t, name, args)
			r.Unchecked = true
			_, err := s.Do(t.Context(), r)
			if problem != "" {
				t.Fatalf("%s: sent %s", name, problem)
			}
			if err != nil {
				appError(t, err)
			}
		}
	})
}

func abs(n int) int { return max(n, -n, 0) }
