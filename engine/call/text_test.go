package call_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// typed answers with a status, a content type and bytes; without a type the
// header is left out.
func typed(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		if kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// A script gets text in UTF-8, or bytes, whatever the server declares.
func TestHTTPText(t *testing.T) {
	tests := []struct{ name, kind, body, option, want string }{
		{"JSON in Latin-1", "application/json; charset=ISO-8859-1", "{\"n\":\"Caf\xE9\"}", "", `{"n":"Café"}`},
		{"a charset in quotes", `application/json; charset="Windows-1252"`, "\"\x80\"", "", `"€"`},
		{"JSON behind a mark", "application/json", "\xEF\xBB\xBF{}", "", `{}`},
		{"JSON in UTF-16", "application/problem+json", "\xFF\xFE{\x00}\x00", "", `{}`},
		{"a mark before a wrong charset", "text/json; charset=latin1", "\xEF\xBB\xBF\"é\"", "", `"é"`},
		{"no type", "", `{"a":1}`, "", `{"a":1}`},
		{"no type, behind a mark", "", "\xEF\xBB\xBF{}", "", `{}`},
		{"no type, no text", "", "a\xFF", "", `base64 Yf8=`},
		{"JSON that is not JSON", "application/json", `{`, "", `{`},
		{"empty", "application/json", ``, "", ``},
		{"empty, of an unknown charset", "text/plain; charset=x-unknown", ``, "", ``},
		{"text", "text/plain; charset=Shift_JIS", "\x93\xFA\x96\x7B", "", "日本"},
		{"XML", "application/xml; charset=iso-8859-15", "<a>\xA4</a>", "", "<a>€</a>"},
		{"XML that declares its charset itself", "application/xml", "<?xml encoding=\"latin1\"?>\xE9", "", `base64 PD94bWwgZW5jb2Rpbmc9ImxhdGluMSI/Puk=`},
		{"bytes", "image/png", "\x89PNG", "", `base64 iVBORw==`},
		{"bytes with a charset", "application/pdf; charset=ISO-8859-1", "%PDF\xE9", "", `base64 JVBERuk=`},
		{"bytes that look like a mark", "audio/mpeg", "\xFF\xFE\x01\x02", "", `base64 //4BAg==`},
		{"malformed parameters", "application/json; charset=latin1; x y", "\"\xE9\"", "", `"é"`},
		{"the option against a wrong charset", "text/csv; charset=utf-8", "caf\xE9", "windows-1252", "café"},
		{"the option against a mark", "text/plain", "\xEF\xBB\xBF", "windows-1252", "ï»¿"},
		{"the option for an unknown type", "application/x-export", "caf\xE9", "latin1", "café"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(typed(200, test.kind, test.body))
			defer server.Close()
			answer, err := web(t, "127.0.0.1").http(t, `{"url":"`+server.URL+`","charset":"`+test.option+`"}`)
			if err != nil {
				t.Fatal(err)
			}
			got := answer.Body
			if answer.Base64 != "" {
				got = "base64 " + answer.Base64
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			text, err := json.Marshal(answer)
			if err != nil || strings.Contains(string(text), `"body":`) == strings.Contains(string(text), `"body_base64":`) {
				t.Errorf("a script gets %s, %v; want a body or body_base64", text, err)
			}
		})
	}
}

func TestHTTPTextRefused(t *testing.T) {
	tests := []struct {
		name, method, option string
		status               int
		kind, body           string
		words                []string
	}{
		{"no charset", "get", "", 200, "text/plain", "caf\xE9",
			[]string{`it answered 200 with text that cannot be read: the byte 0xE9 at offset 3 does not fit the charset "utf-8"; the answer declares no charset`, `as = "file"`, `charset = "…" reads such an answer in another charset`}},
		{"a wrong charset", "get", "", 200, "application/json; charset=UTF-8", "\"\xE9\"",
			[]string{`the byte 0xE9 at offset 1 does not fit the charset "UTF-8"`}},
		{"an unknown charset", "get", "", 200, "text/html; charset=x-foo", "a", []string{`unknown charset "x-foo"`}},
		{"cut off behind a mark", "get", "", 200, "application/json", "\xFF\xFE{\x00}", []string{`the byte 0x7D at offset 4 does not fit the charset "utf-16le"`}},
		{"the option", "get", "shift_jis", 200, "text/plain", "a\x93", []string{`the byte 0x93 at offset 1 does not fit the charset "shift_jis"`}},
		{"a write", "post", "", 201, "application/json", "\"\xE9\"", []string{"it answered 201", "0xE9", "; what was asked for is done"}},
		{"an error", "get", "", 404, "text/plain", "\xE9", []string{"it answered 404"}},
		{"an error of a write", "put", "", 422, "text/plain", "\xE9", []string{"it answered 422"}},
		{"an error that is not repeated", "get", "", 500, "text/plain", "\xE9", []string{"it answered 500"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sent := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent++
				typed(test.status, test.kind, test.body)(w, r)
			}))
			defer server.Close()
			s := web(t, "127.0.0.1")
			_, err := s.http(t, `{"method":"`+test.method+`","url":"`+server.URL+`","charset":"`+test.option+`"}`)
			e := wantKind(t, err, bindings.Invalid, false, test.words...)
			if e.Status != test.status || sent != 1 || strings.Contains(strings.Join(s.begun, " "), "withdraw") {
				t.Errorf("status %d after %d requests, begun record %v", e.Status, sent, s.begun)
			}
			if test.status >= 300 && (strings.Contains(e.Message, "is done") || strings.Contains(e.Message, `as = "file"`)) {
				t.Errorf("an answer of status %d has: %s", test.status, e.Message)
			}
		})
	}
}

// An unknown charset from the script is an error before anything is sent.
func TestHTTPUnknownCharset(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }))
	defer server.Close()
	_, err := web(t, "127.0.0.1").http(t, `{"method":"post","url":"`+server.URL+`","charset":"x-foo"}`)
	wantKind(t, err, bindings.Invalid, false, `charset: unknown charset "x-foo"`)
}

// A write that was answered with 500 is uncertain, whatever the text.
func TestHTTPTextOfAnUncertainWrite(t *testing.T) {
	server := httptest.NewServer(typed(500, "text/plain", "\xE9"))
	defer server.Close()
	_, err := web(t, "127.0.0.1").http(t, `{"method":"post","url":"`+server.URL+`"}`)
	wantKind(t, err, bindings.Uncertain, false, "it answered 500")
}

func TestAnswerText(t *testing.T) {
	tests := []struct{ name, operation, kind, body, want string }{
		{"JSON in Latin-1", "ping.now", "application/json; charset=ISO-8859-1", "{\"n\":\"Caf\xE9\"}", `{"n":"Café"}`},
		{"JSON behind a mark", "ping.now", "application/json", "\xEF\xBB\xBF{}", `{}`},
		{"JSON behind a mark, without a type", "ping.now", "", "\xEF\xBB\xBF[1]", `[1]`},
		{"JSON in UTF-16 as text", "ping.now", "text/plain", "\xFE\xFF\x00[\x00]", `[]`},
		{"text", "ping.now", "text/csv; charset=windows-1252", "\x80,b", `{"content_type":"text/csv","text":"€,b"}`},
		{"a mark alone", "ping.now", "application/json", "\xEF\xBB\xBF", `null`},
		{"bytes with a charset", "ping.now", "application/pdf; charset=utf-8", "\xE9", `{"base64":"6Q==","content_type":"application/pdf"}`},
		{"declared a file", "files.get", "text/plain; charset=latin1", "\xE9", `{"base64":"6Q==","content_type":"text/plain"}`},
		{"malformed parameters", "ping.now", "application/json; charset=latin1; x y", "\"\xE9\"", `"é"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, typed(200, test.kind, test.body), nil)
			answer, err := s.do(t, test.operation, map[string]string{"files.get": `{"id":"f"}`, "ping.now": `{}`}[test.operation])
			if err != nil || string(answer.Body) != test.want {
				t.Errorf("got %s, %v; want %s", answer.Body, err, test.want)
			}
		})
	}
}

func TestAnswerTextRefused(t *testing.T) {
	tests := []struct {
		name, operation, kind, body string
		words                       []string
	}{
		{"a wrong charset", safe, "application/json", "{\"id\":\"\xE9\"}",
			[]string{`it answered 200 with text that cannot be read: the byte 0xE9 at offset 7 does not fit the charset "utf-8"; the answer declares no charset; as = "file"`}},
		{"JSON with the type of HTML", safe, "text/html", "{\"id\":\"\xE9\"}", []string{`the byte 0xE9 at offset 7`}},
		{"an unknown charset", safe, "text/plain; charset=x-foo", "a", []string{`unknown charset "x-foo"`}},
		{"a write", unsafe, "application/json; charset=utf-8", "\"\xE9\"", []string{`the byte 0xE9 at offset 1 does not fit the charset "utf-8"`, "; what was asked for is done"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, typed(200, test.kind, test.body), nil)
			_, err := s.do(t, test.operation, args[test.operation])
			if e := wantKind(t, err, bindings.Invalid, false, test.words...); e.Status != 200 || len(s.sendings) != 1 {
				t.Errorf("got status %d after %d requests", e.Status, len(s.sendings))
			}
		})
	}
}

// An error of the vendor's is read in its charset too. Bytes that do not fit are
// replaced.
func TestVendorErrorText(t *testing.T) {
	for kind, want := range map[string]string{
		"application/json; charset=ISO-8859-1": "Café manque", "application/json": "Caf? manque", "application/json; charset=x-foo": "Caf? manque",
	} {
		s := start(t, typed(422, kind, "{\"message\":\"Caf\xE9 manque\",\"code\":\"E1\"}"), nil)
		_, err := s.do(t, safe, args[safe])
		if e := wantKind(t, err, bindings.Invalid, false); e.Message != want || e.Code != "E1" {
			t.Errorf("%s: got %q, code %q; want %q", kind, e.Message, e.Code, want)
		}
	}
}

// An answer whose JSON reports a refusal is that error in every charset, also
// where its text does not fit the charset.
func TestRefusalText(t *testing.T) {
	utf16 := "\xFF\xFE"
	for _, c := range `{"ok":false,"error":"no_text"}` {
		utf16 += string(c) + "\x00"
	}
	for name, body := range map[string]string{"UTF-16": utf16, "a byte that does not fit": "{\"ok\":false,\"error\":\"no_text\",\"of\":\"\xE9\"}"} {
		s := start(t, typed(200, "application/json", body), nil)
		_, err := s.do(t, unsafe, args[unsafe])
		if e := wantKind(t, err, bindings.Invalid, false); e.Code != "no_text" {
			t.Errorf("%s: got code %q: %v", name, e.Code, e)
		}
	}
}
