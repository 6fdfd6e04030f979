package call_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// These calls of a script are sent as these requests.
func TestRequest(t *testing.T) {
	tests := []struct {
		name, operation, args string
		unchecked, page       bool
		want                  string // method and address
		body                  string
	}{
		{"path", "contacts.get", `{"contactId":"a/b c?d"}`, false, false, "GET /contacts/a%2Fb%20c%3Fd", ""},
		{"account filled in", "contacts.list", `{}`, false, false, "GET /contacts?locationId=loc1", ""},
		{"account given", "contacts.list", `{"locationId":"mine"}`, false, false, "GET /contacts?locationId=mine", ""},
		{"account with its type", "objects.bulk", `[]`, false, false, "POST /bulk?altId=loc1&altType=location", ""},
		{"account in query and body", "contacts.create", `{"name":"Ada"}`, false, false, "POST /contacts?locationId=loc1", `{"locationId":"loc1","name":"Ada"}`},
		{"bracket names", "contacts.list", `{"filter":{"email":"a@b.c","name":"A&B"},"status":["open","won"],"ids":["1","2"]}`, false, false,
			"GET /contacts?locationId=loc1&filter[email]=a%40b.c&filter[name]=A%26B&status[]=open&status[]=won&ids=1&ids=2", ""},
		{"bracket names as the vendor writes them", "contacts.list", `{"filter[email]":"x","status[]":["open"]}`, false, false,
			"GET /contacts?locationId=loc1&filter[email]=x&status[]=open", ""},
		{"numbers without a point", "contacts.list", `{"limit":1e2,"query":null}`, false, false, "GET /contacts?locationId=loc1&limit=100", ""},
		{"wrapped body", "contacts.update", `{"contactId":"c","name":"Ada","tags":[]}`, false, false, "PUT /contacts/c", `{"contact":{"name":"Ada","tags":[]}}`},
		{"body left out", "contacts.update", `{"contactId":"c"}`, false, false, "PUT /contacts/c", ``},
		{"body of a DELETE", "contacts.tag", `{"contactId":"c","tags":["a"]}`, false, false, "DELETE /contacts/c/tags", `{"tags":["a"]}`},
		{"body that is a list", "contacts.merge", `{"body":["a","b"]}`, false, false, "POST /contacts/merge", `["a","b"]`},
		{"free body", "fields.put", `{"b":{"x":[1,null]},"a":"ü"}`, false, false, "POST /fields", `{"b":{"x":[1,null]},"a":"ü"}`},
		{"exact numbers", "payments.transfer", `{"amount":12.5,"reference":"9007199254740993","count":3.0}`, false, false, "POST /transfers",
			`{"amount":"12.5","reference":9007199254740993,"count":3}`},
		{"digits as text, in path, query and body", "numbers.send",
			`{"id":"9007199254740993","n":"0.12345678901234567890","ids":["9007199254740993",1],"filter":{"list":["9007199254740993"]},
				"big":"18446744073709551615","whole":"9007199254740993","real":"0.12345678901234567890","list":["9007199254740993",2],"either":"9007199254740993","of":"1.5","table":{"real":"1e400"}}`,
			false, false, "POST /numbers/9007199254740993?n=0.12345678901234567890&ids=9007199254740993&ids=1&filter=%7B%22list%22%3A%5B9007199254740993%5D%7D",
			`{"big":18446744073709551615,"whole":9007199254740993,"real":0.12345678901234567890,"list":[9007199254740993,2],"either":"9007199254740993","of":1.5,"table":{"real":1e400}}`},
		{"digits as text, in a form", "numbers.form", `{"big":"9007199254740993","whole":"9007199254740993","real":0.5,"list":["9007199254740993"],"table":{"big":"9007199254740993"}}`,
			false, false, "POST /numbers/form", `big=9007199254740993&whole=9007199254740993&real=0.5&list=%5B9007199254740993%5D&table=%7B%22big%22%3A9007199254740993%7D`},
		{"form", "chat.post", `{"channel":"C1","text":"a b&c","blocks":[{"type":"x"}],"users":["U1","U2"]}`, false, false, "POST /chat.post",
			`channel=C1&text=a+b%26c&blocks=%5B%7B%22type%22%3A%22x%22%7D%5D&users[]=U1&users[]=U2`},
		{"unchecked goes into the query", "contacts.list", `{"locationId":"l","fresh":true,"filter":{"new":1}}`, true, false,
			"GET /contacts?locationId=l&fresh=true&filter[new]=1", ""},
		{"unchecked goes into the body", "contacts.create", `{"name":5,"fresh":[1]}`, true, false, "POST /contacts?locationId=loc1",
			`{"locationId":"loc1","name":5,"fresh":[1]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got, body string
			s := start(t, func(w http.ResponseWriter, r *http.Request) {
				read, _ := io.ReadAll(r.Body)
				got, body = r.Method+" "+r.RequestURI, string(read)
				reply(200, `{"id":"1"}`)(w)
			}, nil)
			r := s.request(t, test.operation, test.args)
			r.Unchecked, r.Page = test.unchecked, test.page
			answer, err := s.Do(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want || body != test.body {
				t.Errorf("sent %s\n     %s\nwant %s\n     %s", got, body, test.want, test.body)
			}
			if string(answer.Body) != `{"id":"1"}` || answer.Status != 200 || answer.Sendings != 1 {
				t.Errorf("got the answer %+v", answer)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	var got http.Header
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		reply(200, `{}`, "X-Request-Id", "r-1")(w)
	}, nil)
	answer, err := s.do(t, "contacts.get", `{"contactId":"c"}`)
	if err != nil {
		t.Fatal(err)
	}
	if got.Get("Authorization") != "Bearer very-secret-token" || got.Get("Version") != "2021-07-28" || got.Get("User-Agent") != "tidewire" {
		t.Errorf("sent the headers %v", got)
	}
	if answer.RequestID != "r-1" {
		t.Errorf("got the request id %q, want r-1", answer.RequestID)
	}
	r := s.request(t, "payments.transfer", `{"amount":"1","X-Note":"hi"}`)
	r.Key = "key-1"
	if _, err := s.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got.Get("X-Idempotency") != "key-1" || got.Get("X-Note") != "hi" {
		t.Errorf("sent the headers %v", got)
	}
	r = s.request(t, "payments.transfer", `{"amount":"1"}`)
	r.Key = ""
	if _, err := s.Do(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if keys, found := got["X-Idempotency"]; found {
		t.Errorf("sent the key %q, which nobody gave", keys)
	}
}

// A method that takes a body has a Content-Length, also without a body.
func TestContentLength(t *testing.T) {
	var got *http.Request
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		reply(200, `{}`)(w)
	}, nil)
	for _, test := range []struct {
		operation, args string
		length          int64
	}{
		{"ping.now", `{}`, 0}, {"contacts.update", `{"contactId":"c"}`, 0}, {"objects.bulk", `{}`, 0},
		{"contacts.tag", `{"contactId":"c","tags":[]}`, 11}, {"fields.put", `{"a":1}`, 7},
	} {
		if _, err := s.do(t, test.operation, test.args); err != nil {
			t.Fatal(err)
		}
		typed := got.Header.Get("Content-Type") == "application/json"
		if got.ContentLength != test.length || got.TransferEncoding != nil || typed != (test.length > 0) {
			t.Errorf("%s: sent the length %d, %v, %q", test.operation, got.ContentLength, got.TransferEncoding, got.Header.Get("Content-Type"))
		}
	}
}

func TestMultipart(t *testing.T) {
	var parts []string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		reader := multipart.NewReader(r.Body, params["boundary"])
		for {
			part, err := reader.NextPart()
			if err != nil {
				break
			}
			content, _ := io.ReadAll(part)
			parts = append(parts, strings.Join([]string{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), string(content)}, "|"))
		}
		reply(200, `{}`)(w)
	}, nil)
	_, err := s.do(t, "files.upload", `{"title":"Invoice","file":{"name":"a \"b\".pdf","content_type":"application/pdf","base64":"aGVsbG8="}}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"title|||Invoice", `file|a "b".pdf|application/pdf|hello`}
	if strings.Join(parts, "\n") != strings.Join(want, "\n") {
		t.Errorf("got  %q\nwant %q", parts, want)
	}
}

// These calls are refused before anything is sent.
func TestRefused(t *testing.T) {
	tests := []struct {
		name, operation, args string
		change                func(*connection.Settings)
		kind                  bindings.ErrorKind
		words                 string
	}{
		{"argument", "contacts.get", `{"contactID":"c"}`, nil, bindings.Invalid, `did you mean "contactId"?`},
		{"empty path", "contacts.get", `{"contactId":""}`, nil, bindings.Invalid, `argument "contactId" is empty`},
		{"path upwards", "contacts.get", `{"contactId":".."}`, nil, bindings.Invalid, `cannot be ".."`},
		{"header", "payments.transfer", `{"amount":"1","X-Note":"a\nb"}`, nil, bindings.Invalid, `holds a line break`},
		{"scope", "contacts.create", `{"name":"x"}`, func(s *connection.Settings) { s.Scopes = []string{"contacts.readonly"} },
			bindings.Forbidden, "lacks the scope contacts.write"},
		{"read-only", "fields.put", `{"a":1}`, func(s *connection.Settings) { s.ReadOnly = true }, bindings.Forbidden, "is read_only"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") },
				func(_ *call.Config, settings *connection.Settings, _ *bindings.App) {
					if test.change != nil {
						test.change(settings)
					}
				})
			answer, err := s.do(t, test.operation, test.args)
			e := wantKind(t, err, test.kind, false, test.words)
			if e.App != "crm" || e.Operation != test.operation || e.Connection != "crm/paris" || answer.Sendings != 0 || s.begun != nil {
				t.Errorf("got %+v, %+v, begun record %v", e, answer, s.begun)
			}
		})
	}
}

func TestChecksOfConnection(t *testing.T) {
	for _, checks := range []string{"warn", "off"} {
		t.Run(checks, func(t *testing.T) {
			var log strings.Builder
			s := start(t, answers(reply(200, `{}`)), func(c *call.Config, settings *connection.Settings, _ *bindings.App) {
				settings.Checks = checks
				c.Log = slog.New(slog.NewTextHandler(&log, nil))
			})
			if _, err := s.do(t, "contacts.create", `{"fresh":1}`); err != nil {
				t.Fatal(err)
			}
			if warned := strings.Contains(log.String(), `unknown argument \"fresh\"`); warned != (checks == "warn") {
				t.Errorf("the log has %q", log.String())
			}
		})
	}
}

func TestAnswer(t *testing.T) {
	tests := []struct {
		name, operation, kind, body string
		want                        string
	}{
		{"json", "ping.now", "application/json", `{"z":1,"a":[2]}`, `{"z":1,"a":[2]}`},
		{"json without a type", "ping.now", "", `[1]`, `[1]`},
		{"empty", "ping.now", "application/json", ``, `null`},
		{"blank", "ping.now", "text/html", "\r\n ", `null`},
		{"text", "ping.now", "text/csv; charset=utf-8", "a,b\n", `{"content_type":"text/csv","text":"a,b\n"}`},
		{"bytes", "ping.now", "image/png", "\x89PNG", `{"base64":"iVBORw==","content_type":"image/png"}`},
		{"declared a file", "files.get", "application/json", `{}`, `{"base64":"e30=","content_type":"application/json"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, answers(reply(200, test.body, "Content-Type", test.kind)), nil)
			args := `{}`
			if test.operation == "files.get" {
				args = `{"id":"f"}`
			}
			answer, err := s.do(t, test.operation, args)
			if err != nil {
				t.Fatal(err)
			}
			if string(answer.Body) != test.want {
				t.Errorf("got %s, want %s", answer.Body, test.want)
			}
		})
	}
}

func TestAnswerOfHeaders(t *testing.T) {
	for header, want := range map[string]string{"Location": `{"Location":"/teams('t1')"}`, "X-Other": `null`} {
		s := start(t, answers(reply(202, ``, header, "/teams('t1')")), nil)
		r := s.request(t, "ping.now", `{}`)
		op := *r.Operation
		op.AnswerHeaders, r.Operation = []string{"Content-Location", "Location"}, &op
		if answer, err := s.Do(t.Context(), r); err != nil || string(answer.Body) != want {
			t.Errorf("%s: got %s, %v, want %s", header, answer.Body, err, want)
		}
	}
}

func TestVendorErrors(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string
		want   bindings.Error
	}{
		{"text at a path", 422, `{"message":"email must be an email","code":"E1"}`,
			bindings.Error{Kind: bindings.Invalid, Status: 422, Code: "E1", Message: "email must be an email"}},
		{"list at a path", 400, `{"message":["a is bad","b is bad"]}`,
			bindings.Error{Kind: bindings.Invalid, Status: 400, Message: "a is bad; b is bad"}},
		{"not found", 404, `{"error":"nope"}`, bindings.Error{Kind: bindings.NotFound, Status: 404, Code: "nope", Message: "nope"}},
		{"conflict", 409, `{}`, bindings.Error{Kind: bindings.Conflict, Status: 409, Message: "it answered 409 Conflict"}},
		{"forbidden", 403, `{}`, bindings.Error{Kind: bindings.Forbidden, Status: 403, Message: "it answered 403 Forbidden"}},
		{"unauthorized", 401, `{"message":"bad token"}`, bindings.Error{Kind: bindings.Unauthorized, Status: 401, Message: "bad token"}},
		{"not ok", 200, `{"ok":false,"error":"no_channel"}`,
			bindings.Error{Kind: bindings.NotFound, Status: 200, Code: "no_channel", Message: "no_channel"}},
		{"not JSON", 418, `<h1>no</h1>`, bindings.Error{Kind: bindings.Invalid, Status: 418, Message: `it answered 418 I'm a teapot: "<h1>no</h1>"`}},
		{"redirect", 302, ``, bindings.Error{Kind: bindings.Unavailable, Status: 302,
			Message: "it answered with a redirect (302) to https://elsewhere.example/login, which is not followed; is base_url right?"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, answers(reply(test.status, test.body, "X-Request-Id", "r-9", "Location", "https://elsewhere.example/login?token=1")), nil)
			_, err := s.do(t, "ping.now", `{}`)
			e := *appError(t, err)
			body := string(e.Body)
			e.Body = nil
			test.want.App, test.want.Operation, test.want.Connection, test.want.RequestID = "crm", "ping.now", "crm/paris", "r-9"
			gotText, _ := json.Marshal(e)
			wantText, _ := json.Marshal(test.want)
			if string(gotText) != string(wantText) {
				t.Errorf("got  %s\nwant %s", gotText, wantText)
			}
			if json.Valid([]byte(test.body)) && body != test.body {
				t.Errorf("got the body %s, want %s", body, test.body)
			}
		})
	}
}

// A secret that the vendor repeats is not in the error.
func TestSecretsStayOut(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := json.Marshal("bad token " + r.Header.Get("Authorization") + " for pass\"word")
		reply(400, `{"message":`+string(text)+`}`)(w)
	}, nil)
	r := s.request(t, "fields.put", `{"password":"pass\"word"}`)
	r.Secrets = []string{`pass"word`}
	_, err := s.Do(t.Context(), r)
	e := wantKind(t, err, bindings.Invalid, false, "bad token Bearer [secret] for [secret]")
	if text := err.Error() + string(e.Body); strings.Contains(text, "very-secret") || strings.Contains(text, "word") {
		t.Errorf("a secret shows in %s", text)
	}
	if !json.Valid(e.Body) {
		t.Errorf("the body is no JSON: %s", e.Body)
	}
}

// An opened secret that the vendor repeats is not in the answer, unless it is so
// short that it may be other text.
func TestSecretsStayOutOfAnswers(t *testing.T) {
	s := start(t, answers(reply(200, `{"text":"it is pass\"word","short":"abc"}`)), nil)
	r := s.request(t, "fields.put", `{"password":"pass\"word","other":"abc"}`)
	r.Secrets = []string{`pass"word`, "abc"}
	answer, err := s.Do(t.Context(), r)
	if want := `{"text":"it is [secret]","short":"abc"}`; err != nil || string(answer.Body) != want {
		t.Errorf("got %s, %v, want %s", answer.Body, err, want)
	}
}

// Where a long answer is cut, the beginning of a secret is not shown either.
func TestSecretAtTheCut(t *testing.T) {
	for _, body := range []string{strings.Repeat("x", 110) + " very-secret-token", `{"message":"` + strings.Repeat("x ", 245) + `very-secret-token"}`} {
		_, err := start(t, answers(reply(400, body)), nil).do(t, safe, `{}`)
		if strings.Contains(err.Error(), "very") {
			t.Errorf("half a secret shows: %v", err)
		}
	}
}

func TestTooLarge(t *testing.T) {
	s := start(t, answers(reply(200, `"`+strings.Repeat("x", 2<<20)+`"`)), func(c *call.Config, _ *connection.Settings, _ *bindings.App) {
		c.MaxAnswer = 1 << 20
	})
	_, err := s.do(t, "ping.now", `{}`)
	wantKind(t, err, bindings.TooLarge, false, "larger than 1 MiB")
	_, err = s.do(t, "fields.put", `{}`)
	wantKind(t, err, bindings.TooLarge, false, "what was asked for is done")
}

func TestRedirectSendsNoCredentialsToOtherHosts(t *testing.T) {
	otherHost := start(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed to another host") }, nil)
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ping":
			http.Redirect(w, r, "/home", http.StatusFound)
		case "/home":
			reply(200, `{"home":true}`)(w)
		default:
			http.Redirect(w, r, otherHost.app.BaseURL+"/away", http.StatusFound)
		}
	}, nil)
	answer, err := s.do(t, "ping.now", `{}`)
	if err != nil || string(answer.Body) != `{"home":true}` {
		t.Errorf("got %s, %v", answer.Body, err)
	}
	_, err = s.do(t, "contacts.get", `{"contactId":"c"}`)
	wantKind(t, err, bindings.Unavailable, false, "redirect (302) to "+otherHost.app.BaseURL+"/away")
}
