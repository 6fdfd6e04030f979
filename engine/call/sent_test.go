package call_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// receivedRequest is a request as the vendor got it.
type receivedRequest struct {
	Method, URI, Body string
	Header            http.Header
}

// recordRequests records each request before the handler answers it.
func recordRequests(all *[]receivedRequest, handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*all = append(*all, receivedRequest{r.Method, r.RequestURI, string(body), r.Header.Clone()})
		handler(w, r)
	}
}

// withoutTo returns a begun record without where it was sent, as the address differs.
func withoutTo(record json.RawMessage) string {
	return regexp.MustCompile(`,"to":\{[^}]*\}`).ReplaceAllString(string(record), "")
}

// The begun record has what is sent, the same for each sending of one call.
func TestSent(t *testing.T) {
	s := start(t, answers(reply(429, `{}`), cut, reply(200, `{}`)), nil)
	if _, err := s.do(t, keyed, `{"amount":"1.50","X-Note":"hi"}`); err != nil {
		t.Fatal(err)
	}
	const want = `{"at":"2026-03-01T09:00:00Z","method":"POST","url":"/transfers","key":"key-of-the-step",` +
		`"headers":{"Accept":"application/json, */*;q=0.5","Content-Type":"application/json","User-Agent":"tidewire","X-Note":"hi"},` +
		`"body":"{\"amount\":\"1.50\"}"}`
	if !strings.Contains(string(s.sent[0]), `,"to":{"account":"loc1","address":"`) || strings.Contains(string(s.sent[0]), "127.0.0.1") {
		t.Errorf("recorded %s, want the account and a hash of the address", s.sent[0])
	}
	if len(s.sent) != 3 || withoutTo(s.sent[0]) != want {
		t.Errorf("recorded\n%s\nwant\n%s", s.sent[0], want)
	}
	for i, record := range s.sent {
		if string(record) != string(s.sent[0]) {
			t.Errorf("sending %d recorded\n%s\nwant what the first recorded", i+1, record)
		}
	}
}

// The same bytes as at first are sent again, also when the arguments, the
// key, the address or the token have changed meanwhile.
func TestAgain(t *testing.T) {
	for _, operation := range []struct{ name, args string }{
		{keyed, `{"amount":"1.50","X-Note":"hi"}`},
		{idempotent, `{"contactId":"c ä","name":"n\u0000"}`},
		{"files.upload", `{"title":"x","file":{"name":"a.bin","base64":"/wD+"}}`},
		{"chat.post", `{"channel":"C","text":"a&b"}`},
		{"objects.bulk", `{"altId":"a","altType":"location"}`},
	} {
		t.Run(operation.name, func(t *testing.T) {
			var all []receivedRequest
			s := start(t, recordRequests(&all, reply200), nil)
			if _, err := s.do(t, operation.name, operation.args); err != nil {
				t.Fatal(err)
			}
			moved := start(t, recordRequests(&all, reply200), func(_ *call.Config, settings *connection.Settings, _ *bindings.App) {
				settings.Credentials["token"] = "another-token"
			})
			r := moved.request(t, operation.name, `{"contactId":"other","amount":"2","nonsense":true}`)
			r.Key, r.Again = "another-key", s.sent[0]
			if _, err := moved.Do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if len(all) != 2 {
				t.Fatalf("the vendors receivedRequest %d requests, want 2", len(all))
			}
			first, second := all[0], all[1]
			if got := second.Header.Get("Authorization"); got != "Bearer another-token" {
				t.Errorf("authorised as %q, want it anew", got)
			}
			first.Header.Del("Authorization")
			second.Header.Del("Authorization")
			if !reflect.DeepEqual(first, second) {
				t.Errorf("sent again\n%+v\nwant\n%+v", second, first)
			}
			if len(moved.sent) != 1 || string(moved.sent[0]) != string(s.sent[0]) {
				t.Errorf("got %s, want %s", moved.sent, s.sent[0])
			}
		})
	}
}

func reply200(w http.ResponseWriter, _ *http.Request) { reply(200, `{}`)(w) }

func TestRawAgain(t *testing.T) {
	var all []receivedRequest
	s := start(t, recordRequests(&all, reply200), nil)
	r := call.RawRequest{App: s.app, Connection: "crm/paris", Key: "k-1", BegunRecorder: s.recorder()}
	must(t, json.Unmarshal([]byte(`{"method":"POST","path":"/a b","query":{"x":[1,2]},"headers":{"X-Own":"own","Cookie":"biscuit"},"body":{"n":1.50}}`), &r))
	if _, err := s.Raw(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if record := string(s.sent[0]); strings.Contains(record, "own") || strings.Contains(record, "biscuit") || !strings.Contains(record, `"url":"/a%20b?x=1\u0026x=2"`) || !strings.Contains(record, `"key":"k-1"`) {
		t.Errorf("recorded %s, want no header of the script's", record)
	}
	r.Again, r.Body, r.Key = s.sent[0], json.RawMessage(`{"n":1.5}`), "k-2"
	if _, err := s.Raw(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Errorf("sent again\n%+v\nwant\n%+v", all[1], all[0])
	}
}

func TestHTTPAgain(t *testing.T) {
	var all []receivedRequest
	server := httptest.NewServer(recordRequests(&all, reply200))
	defer server.Close()
	s := web(t, "127.0.0.1")
	send := func(request string, again json.RawMessage) {
		t.Helper()
		r := call.HTTPRequest{BegunRecorder: s.recorder(), Again: again}
		must(t, json.Unmarshal([]byte(request), &r))
		if _, err := s.HTTP(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	send(`{"method":"POST","url":"`+server.URL+`/x?a=1","json":{"n":1.0},"auth":{"bearer":"tok-tok"}}`, nil)
	if strings.Contains(string(s.sent[0]), "tok-tok") {
		t.Errorf("it has a credential: %s", s.sent[0])
	}
	send(`{"method":"POST","url":"`+server.URL+`/x?a=1","json":{"n":1},"auth":{"bearer":"tok-tok"}}`, s.sent[0])
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Errorf("sent again\n%+v\nwant\n%+v", all[1], all[0])
	}
}

// A request with a secret is not recorded; it is built again from the arguments.
func TestSentHasNoSecret(t *testing.T) {
	var all []receivedRequest
	s := start(t, recordRequests(&all, reply200), nil)
	opened := s.request(t, keyed, `{"amount":"1.50","X-Note":"opened-secret"}`)
	opened.Secrets = []string{"opened-secret"}
	literal := s.request(t, keyed, `{"amount":"1.50","X-Note":"very-secret-token"}`)
	for name, r := range map[string]call.Request{"an opened secret": opened, "the connection's token": literal} {
		t.Run(name, func(t *testing.T) {
			s.sent, all = nil, nil
			if _, err := s.Do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if want := `{"at":"2026-03-01T09:00:00Z","method":"POST","withheld":true}`; withoutTo(s.sent[0]) != want {
				t.Errorf("got %s, want %s", s.sent[0], want)
			}
			r.Again = s.sent[0]
			if _, err := s.Do(t.Context(), r); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(all[0], all[1]) {
				t.Errorf("sent again\n%+v\nwant\n%+v", all[1], all[0])
			}
		})
	}
	t.Run("auth of the http library", func(t *testing.T) {
		w := web(t, "127.0.0.1")
		_, _ = w.http(t, `{"method":"POST","url":"http://127.0.0.1:1/?key=hidden-word","body":"hidden-word","auth":{"user":"u","password":"hidden-word"}}`)
		for _, record := range w.sent {
			if strings.Contains(string(record), "hidden-word") {
				t.Errorf("got %s", record)
			}
		}
	})
}

// The begun record of what an earlier call may have done stays until an answer
// decides.
func TestAgainBegunRecord(t *testing.T) {
	tests := []struct {
		name      string
		operation string
		answer    func(http.ResponseWriter)
		age       time.Duration
		kind      bindings.ErrorKind
		begun     string
	}{
		{"fine", keyed, reply(200, `{}`), time.Minute, "", "begin"},
		{"429 decides nothing of the first", keyed, reply(429, `{}`, "Retry-After", "60"), time.Minute, bindings.RateLimited, "begin"},
		{"503 leaves it open", keyed, reply(503, `{}`, "Retry-After", "60"), time.Minute, bindings.Uncertain, "begin"},
		{"403 decides nothing of the first", keyed, reply(403, `{}`), time.Minute, bindings.Uncertain, "begin"},
		{"422 is an answer to both", keyed, reply(422, `{}`), time.Minute, bindings.Invalid, "begin"},
		{"503 of what is idempotent", idempotent, reply(503, `{}`, "Retry-After", "60"), time.Hour, bindings.Unavailable, "begin"},
		{"forced", unsafe, reply(200, `{}`), time.Hour, "", "begin"},
		{"forced, and refused for now", unsafe, reply(429, `{}`, "Retry-After", "60"), time.Hour, bindings.RateLimited, "begin"},
		{"forced, and open again", unsafe, reply(503, `{}`), time.Hour, bindings.Uncertain, "begin"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before := start(t, answers(cut), func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.MaxSendings = 1 })
			if _, err := before.do(t, test.operation, args[test.operation]); err == nil {
				t.Fatal("got no error of the first sending")
			}
			s := start(t, answers(test.answer), nil)
			s.clock.follow(before.clock, test.age)
			r := s.request(t, test.operation, args[test.operation])
			r.Again = before.sent[0]
			_, err := s.Do(t.Context(), r)
			switch {
			case test.kind == "":
				must(t, err)
			default:
				if e := appError(t, err); e.Kind != test.kind {
					t.Errorf("got %v of kind %s, want %s", e, e.Kind, test.kind)
				}
			}
			if got := strings.Join(s.begun, " "); got != test.begun {
				t.Errorf("begun record: %s, want: %s", got, test.begun)
			}
		})
	}
}

// The age of a key counts from its first sending, also in another call.
func TestAgainKeyTooOld(t *testing.T) {
	before := start(t, answers(cut), func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.MaxSendings = 1 })
	_, err := before.do(t, keyed, args[keyed])
	wantKind(t, err, bindings.Uncertain, false)
	s := start(t, answers(reply(429, `{}`, "Retry-After", "2")), nil)
	s.clock.follow(before.clock, 30*time.Minute-time.Second)
	r := s.request(t, keyed, args[keyed])
	r.Again = before.sent[0]
	answer, err := s.Do(t.Context(), r)
	wantKind(t, err, bindings.Uncertain, false, "is over")
	if answer.Sendings != 1 {
		t.Errorf("sent %d times, want once: the key became too old while it waited", answer.Sendings)
	}
}

// On a connection that became read-only, what was sent before stays uncertain.
func TestAgainForbidden(t *testing.T) {
	before := start(t, answers(cut), func(c *call.Config, _ *connection.Settings, _ *bindings.App) { c.MaxSendings = 1 })
	_, _ = before.do(t, keyed, args[keyed])
	s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, func(_ *call.Config, settings *connection.Settings, _ *bindings.App) { settings.ReadOnly = true })
	r := s.request(t, keyed, args[keyed])
	_, err := s.Do(t.Context(), r)
	wantKind(t, err, bindings.Forbidden, false)
	r.Again = before.sent[0]
	_, err = s.Do(t.Context(), r)
	wantKind(t, err, bindings.Uncertain, false, "read_only", "is not known")
}

func TestAgainUnreadable(t *testing.T) {
	s := start(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") }, nil)
	for _, again := range []string{`{`, `{}`, `{"method":"POST","at":"2026-03-01T09:00:00Z"}`, `{"method":"POST","url":"@evil.example/x","at":"2026-03-01T09:00:00Z"}`} {
		r := s.request(t, unsafe, args[unsafe])
		r.Again = json.RawMessage(again)
		if _, err := s.Do(t.Context(), r); err == nil || !strings.Contains(err.Error(), "what was sent first") {
			t.Errorf("%s: got %v", again, err)
		}
	}
}

func TestResendable(t *testing.T) {
	crm := app(t, "http://127.0.0.1")
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	const plain, withKey = `{"at":"2026-03-01T09:00:00Z","method":"POST","url":"/x"}`, `{"at":"2026-03-01T09:00:00Z","method":"POST","url":"/x","key":"k"}`
	const get = `{"at":"2026-03-01T09:00:00Z","method":"GET","url":"/x"}`
	tests := []struct {
		operation string // empty: a raw request; "http": the library
		args      string
		sent      string
		after     time.Duration
		want      bool
		words     string
	}{
		{safe, `{}`, ``, 0, true, "only reads"},
		{idempotent, `{}`, plain, 24 * time.Hour, true, "the same fields give the same contact"},
		{unsafe, `{}`, plain, 0, false, "may change it twice"},
		{unsafe, `{}`, ``, 0, false, "is not known"},
		{unsafe, `{}`, `[]`, 0, false, "what was sent first"},
		{keyed, `{}`, withKey, 29*time.Minute + 59*time.Second, true, "29m59s ago, and crm stores one for 30m0s"},
		{keyed, `{}`, withKey, 30 * time.Minute, false, "30m0s ago, and crm stores one for 30m0s"},
		{keyed, `{}`, withKey, -time.Hour, false, "which is after the present time"},
		{keyed, `{}`, plain, 0, false, "may change it twice"},
		{"", `{}`, plain, 0, false, "may change it twice"},
		{"", `{}`, withKey, time.Minute, true, "1m0s ago"},
		{"", `{}`, get, 0, true, "only reads"},
		{"http", `{}`, get, 0, true, "only reads"},
		{"http", `{}`, withKey, 0, false, "may change it twice"},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.operation, test.after), func(t *testing.T) {
			of, op := crm, (*bindings.Operation)(nil)
			switch test.operation {
			case "http":
				of = nil
			case "":
			default:
				op, _ = crm.Catalogue.Operation(test.operation)
			}
			got, reason := (call.Begun{App: of, Operation: op, Args: json.RawMessage(test.args), Sent: json.RawMessage(test.sent)}).Resendable(at.Add(test.after), false)
			if got != test.want || !strings.Contains(reason, test.words) {
				t.Errorf("got %v: %q, want %v: …%s…", got, reason, test.want, test.words)
			}
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// An opened secret is not recorded where the address has it in another spelling.
func TestSentHasNoEscapedSecret(t *testing.T) {
	const secret = "a secret/of this & that"
	server := httptest.NewServer(http.HandlerFunc(reply200))
	defer server.Close()
	query := `"method":"POST","query":{"key":"` + secret + `"}`
	for name, send := range map[string]func() (*setup, error){
		"app.request": func() (*setup, error) {
			s := start(t, reply200, nil)
			r := call.RawRequest{App: s.app, Connection: "crm/paris", Secrets: []string{secret}, BegunRecorder: s.recorder()}
			must(t, json.Unmarshal([]byte(`{"path":"/x",`+query+`}`), &r))
			_, err := s.Raw(t.Context(), r)
			return s, err
		},
		"http": func() (*setup, error) {
			s := web(t, "127.0.0.1")
			r := call.HTTPRequest{Secrets: []string{secret}, BegunRecorder: s.recorder()}
			must(t, json.Unmarshal([]byte(`{"url":"`+server.URL+`/x",`+query+`}`), &r))
			_, err := s.HTTP(t.Context(), r)
			return s, err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := send()
			must(t, err)
			if want := `{"at":"2026-03-01T09:00:00Z","method":"POST","withheld":true}`; len(s.sent) != 1 || withoutTo(s.sent[0]) != want {
				t.Errorf("got %s, want %s", s.sent, want)
			}
		})
	}
}
