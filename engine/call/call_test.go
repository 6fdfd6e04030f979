package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestMain runs the tests, or one of the processes of the rotation's soak.
func TestMain(m *testing.M) {
	if text := os.Getenv(soakSettings); text != "" {
		if err := beCaller(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// crm is a small vendor that has each feature of an app.
const crm = `
operation contacts.get {"id":"get-contact","method":"GET","path":"/contacts/{contactId}","in_path":["contactId!: string"],"answer":"#Answer","scopes":["contacts.readonly"],"fixed":{"Version":"2021-07-28"}}
operation contacts.list {"id":"get-contacts","method":"GET","path":"/contacts","in_query":["locationId!: string","limit: integer","query: string","\"filter[email]\": string","\"filter[name]\": string","\"status[]\": [\"open\"|\"won\"]","ids: [string]"],"account":"locationId","answer":"#Answer"}
operation contacts.create {"id":"create-contact","method":"POST","path":"/contacts","in_query":["locationId: string"],"body":{"encoding":"json","type":"#Contact","required":true},"account":"locationId","scopes":["contacts.write"]}
operation contacts.create_task {"id":"create-task","method":"POST","path":"/contacts/{contactId}/tasks","in_path":["contactId!: string"],"body":{"encoding":"json","type":"#Task","required":true}}
operation contacts.update {"id":"update-contact","method":"PUT","path":"/contacts/{contactId}","in_path":["contactId!: string"],"body":{"encoding":"json","type":"#Contact","wrap":"contact"},"idempotent":"the same fields give the same contact"}
operation contacts.merge {"id":"merge","method":"POST","path":"/contacts/merge","body":{"encoding":"json","type":"[string]","required":true}}
operation contacts.tag {"id":"tag","method":"DELETE","path":"/contacts/{contactId}/tags","in_path":["contactId!: string"],"body":{"encoding":"json","type":"#Tags"}}
operation fields.put {"id":"put-fields","method":"POST","path":"/fields","body":{"encoding":"json","type":"object"}}
operation fields.numbers {"id":"put-numbers","method":"POST","path":"/numbers","body":{"encoding":"json","type":"{number}"}}
operation objects.bulk {"id":"bulk","method":"POST","path":"/bulk","in_query":["altId!: string","altType!: \"location\""],"account":"altId","account_with":{"altType":"location"}}
operation payments.transfer {"id":"transfer","method":"POST","path":"/transfers","in_header":["\"X-Idempotency\"!: string","\"X-Note\": string"],"body":{"encoding":"json","type":"#Transfer","required":true},"key":true}
operation chat.post {"id":"post","method":"POST","path":"/chat.post","body":{"encoding":"form","type":"#Message","required":true},"limit":"posting"}
operation files.upload {"id":"upload","method":"POST","path":"/files","body":{"encoding":"multipart","type":"#Upload","required":true}}
operation files.get {"id":"download","method":"GET","path":"/files/{id}","in_path":["id!: string"],"answer":"file"}
operation numbers.send {"id":"numbers","method":"POST","path":"/numbers/{id}","in_path":["id!: integer"],"in_query":["n: number","ids: [integer]","filter: #Numbers"],"body":{"encoding":"json","type":"#Numbers"}}
operation numbers.form {"id":"numbers-form","method":"POST","path":"/numbers/form","body":{"encoding":"form","type":"#Numbers"}}
operation ping.now {"id":"ping","method":"GET","path":"/ping"}
type Numbers {"fields":["big: int64","whole: integer","real: number","list: [integer]","either: integer|string","of: integer|number","table: #Numbers"]}
type Answer {"fields":["id: string"],"open":true}
type Contact {"fields":["name: string","email: string","tags: [string]","kind: \"company\"|\"individual\"","dnd: boolean","score: number","owner: #Owner","address: #Address","extra: string|[string]","locationId: string","custom: [#TextCustom|#ListCustom|#NumberCustom]"]}
type TextCustom {"fields":["id!: string","field_value: string"],"aliases":{"value":"field_value"}}
type ListCustom {"fields":["id!: string","field_value: [string]"],"aliases":{"value":"field_value"}}
type NumberCustom {"fields":["id!: string","field_value: number"],"aliases":{"value":"field_value"}}
type Owner {"fields":["id!: string","role: string"]}
type Address {"fields":["city: string","country: string"],"open":true}
type Task {"fields":["title!: string","dueDate!: string","completed!: boolean","body: string","assignedTo: string"]}
type Tags {"fields":["tags!: [string]","silent: boolean"]}
type Transfer {"fields":["amount!: decimal","reference: int64","count: integer"]}
type Message {"fields":["channel!: string","text: string","blocks: [object]","\"users[]\": [string]"]}
type Upload {"fields":["title: string","file!: file"]}
`

// app makes the vendor at an address.
func app(t testing.TB, base string) *bindings.App {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(crm))
	if err != nil {
		t.Fatal(err)
	}
	return &bindings.App{
		Name: "crm", BaseURL: base, Catalogue: catalogue,
		Auth:    []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
		Account: bindings.Account{Noun: "location"},
		Errors: bindings.Errors{
			Message: []string{"message", "error"}, Code: []string{"code", "error"}, OK: "ok",
			RequestID: []string{"X-Request-Id"}, Remaining: "X-Left", Interval: "X-Interval",
			Kinds: map[string]bindings.ErrorKind{"ratelimited": bindings.RateLimited, "gone_fishing": bindings.Unavailable, "no_channel": bindings.NotFound},
		},
		KeyHeader: "X-Idempotency", KeyTTL: 30 * time.Minute,
	}
}

// setup is a client, the clock that its waits move, and what the client passed
// to its callbacks.
type setup struct {
	*call.Client
	connections *connection.Set
	app         *bindings.App
	clock       *recordingClock
	sendings    []call.Sending
	begun       []string          // the calls of Begin and Withdraw, in order
	sent        []json.RawMessage // what Begin got
}

// recordingClock is a clock that waits advance, and the waits.
type recordingClock struct {
	clock.Advancing
	waits []time.Duration
}

func newClock(now time.Time) *recordingClock {
	return &recordingClock{Advancing: clock.Advancing{Manual: clock.NewManual(now)}}
}

// Timer implements clock.Clock.
func (c *recordingClock) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.waits = append(c.waits, d)
	return c.Advancing.Timer(d)
}

// follow sets the clock to the time that another had some time ago.
func (c *recordingClock) follow(other *recordingClock, ago time.Duration) {
	c.Adjust(other.Now().Add(ago).Sub(c.Now()))
}

// start makes a client for a vendor that answers as handler does.
func start(t testing.TB, handler http.HandlerFunc, change func(*call.Config, *connection.Settings, *bindings.App)) *setup {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	s := &setup{clock: newClock(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))}
	s.app = app(t, server.URL)
	settings := connection.Settings{
		Name: "crm/paris", Account: "loc1", Credentials: map[string]string{"token": "very-secret-token"},
	}
	config := call.Config{
		Clock: s.clock, Random: func() float64 { return 1 },
		Observe: func(one call.Sending) { s.sendings = append(s.sendings, one) },
	}
	if change != nil {
		change(&config, &settings, s.app)
	}
	tokens := call.NewTokenHTTPClient(nil)
	t.Cleanup(tokens.CloseIdleConnections)
	set, err := connection.New(connection.Config{
		Apps: []*bindings.App{s.app}, Settings: []connection.Settings{settings}, Folder: t.TempDir(), HTTP: tokens, Clock: config.Clock,
		AddedHTTP: call.NewAddedTokenHTTPClient(nil, config.AllowPrivate, config.AllowHosts),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	config.Connections, s.connections = set, set
	s.Client = call.New(config)
	t.Cleanup(s.Close)
	return s
}

func (s *setup) op(t testing.TB, name string) *bindings.Operation {
	t.Helper()
	op, found := s.app.Catalogue.Operation(name)
	if !found {
		t.Fatalf("the test catalogue has no %q", name)
	}
	return op
}

// do calls an operation with a recorder.
func (s *setup) do(t testing.TB, name, args string) (call.Answer, error) {
	t.Helper()
	return s.Do(t.Context(), s.request(t, name, args))
}

func (s *setup) request(t testing.TB, name, args string) call.Request {
	t.Helper()
	return call.Request{
		App: s.app, Operation: s.op(t, name), Connection: "crm/paris", Args: json.RawMessage(args), Key: "key-of-the-step", BegunRecorder: s.recorder(),
	}
}

func (s *setup) recorder() call.BegunRecorder {
	return call.BegunRecorder{
		Begin: func(_ context.Context, sent json.RawMessage) error {
			s.begun, s.sent = append(s.begun, "begin"), append(s.sent, sent)
			return nil
		},
		Withdraw: func(context.Context) error { s.begun = append(s.begun, "withdraw"); return nil },
	}
}

// appError wants an error that scripts can read.
func appError(t testing.TB, err error) *bindings.Error {
	t.Helper()
	var e *bindings.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a *bindings.Error", err)
	}
	return e
}

func wantKind(t testing.TB, err error, kind bindings.ErrorKind, retryable bool, words ...string) *bindings.Error {
	t.Helper()
	e := appError(t, err)
	if e.Kind != kind || e.Retryable != retryable {
		t.Errorf("got kind %s, retryable %v, want %s, %v: %v", e.Kind, e.Retryable, kind, retryable, e)
	}
	for _, word := range words {
		if !strings.Contains(e.Message, word) {
			t.Errorf("the message does not contain %q: %s", word, e.Message)
		}
	}
	return e
}

// answers replies with one after the other, and then always with the last.
func answers(all ...func(http.ResponseWriter)) http.HandlerFunc {
	next := make(chan func(http.ResponseWriter), len(all))
	for _, one := range all {
		next <- one
	}
	last := all[len(all)-1]
	return func(w http.ResponseWriter, _ *http.Request) {
		select {
		case one := <-next:
			one(w)
		default:
			last(w)
		}
	}
}

func reply(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// cut closes the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}
