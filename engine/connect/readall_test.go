package connect_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/clock"
	"github.com/tidewire/tidewire/engine/connect"
	"github.com/tidewire/tidewire/engine/connection"
)

const readable = `
operation contacts.list {"id":"1","method":"GET","path":"/contacts/","in_query":["location!: string","limit: string"],"account":"location","answer":"#Contacts","pages":{"items":"contacts","size_param":"limit"}}
operation contacts.get {"id":"2","method":"GET","path":"/contacts/{contactId}","in_path":["contactId!: string"],"answer":"#Contact"}
operation contacts.create {"id":"3","method":"POST","path":"/contacts/","body":{"encoding":"json","type":"#Contact"},"answer":"#Contact"}
operation tasks.list {"id":"4","method":"GET","path":"/contacts/{contactId}/tasks","in_path":["contactId!: string"],"answer":"#Tasks","pages":{"items":"tasks"}}
operation notes.list {"id":"5","method":"GET","path":"/boards/{boardId}/notes","in_path":["boardId!: string"],"pages":{"items":"*"}}
operation rooms.list {"id":"6","method":"GET","path":"/rooms.list","answer":"#Rooms","pages":{"items":"rooms"}}
operation rooms.info {"id":"7","method":"GET","path":"/rooms.info","in_query":["room!: string"],"answer":"#Rooms"}
operation secrets.list {"id":"8","method":"GET","path":"/secrets","answer":"#Tasks","scopes":["secrets.read"],"pages":{"items":"tasks"}}
operation broken.list {"id":"9","method":"GET","path":"/broken","answer":"#Tasks","pages":{"items":"tasks"}}
type Contacts {"fields":["contacts!: [#Contact]","total: integer"]}
type Contact {"fields":["id!: string","email!: string","age: integer","kind: \"a\"|\"b\"","either: #Task|[string]"]}
type Tasks {"fields":["tasks: [#Task]"]}
type Task {"fields":["title!: string"]}
type Rooms {"fields":["rooms: [#Room]"]}
type Room {"fields":["id: string","by: {string}"]}
`

// vendorOf answers the calls of readable, with differences.
func vendorOf(t *testing.T, got *[]string) *httptest.Server {
	answers := map[string]string{
		"/contacts/?limit=1&location=loc1": `{"contacts":[{"id":"c-secret","age":"young-secret","kind":"z-secret","phone":"+secret","secret@mail.example":1,"either":5}],"total":1}`,
		"/contacts/c-secret":               `{"id":"c-secret","email":"secret@mail.example","either":{"title":1}}`,
		"/contacts/c-secret/tasks":         `{"tasks":[]}`,
		"/rooms.list":                      `{"rooms":[{"id":"r-secret","by":{"u-secret":7}}]}`,
		"/rooms.info?room=r-secret":        `{}`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := r.URL.Path
		if r.URL.RawQuery != "" {
			at += "?" + r.URL.Query().Encode()
		}
		*got = append(*got, r.Method+" "+at)
		answer, found := answers[at]
		if !found {
			w.WriteHeader(422)
			answer = `{"message":"secret"}`
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(server.Close)
	return server
}

// serviceOf is the service of one connection, crm/secret.
func serviceOf(t *testing.T, address string, limits []bindings.Limit, c clock.Clock) connect.Service {
	t.Helper()
	catalogue, err := bindings.ParseCatalogue([]byte(readable))
	must(t, err)
	app := &bindings.App{
		Name: "crm", Title: "CRM", BaseURL: address, Catalogue: catalogue, Limits: limits,
		Auth: []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
	}
	tokens := call.NewTokenHTTPClient(nil)
	t.Cleanup(tokens.CloseIdleConnections)
	set, err := connection.New(connection.Config{Apps: []*bindings.App{app}, Folder: t.TempDir(), HTTP: tokens, Settings: []connection.Settings{
		{Name: "crm/secret", Account: "loc1", Scopes: []string{"contacts.read"}, Credentials: map[string]string{"token": "token-secret"}},
	}})
	must(t, err)
	t.Cleanup(set.Close)
	calls := call.New(call.Config{Connections: set, Unlimited: true})
	t.Cleanup(calls.Close)
	return connect.Service{Apps: []*bindings.App{app}, Set: set, Calls: calls, Clock: c}
}

// immediate is a clock on which the time of a timer passes at once.
type immediate struct{ *clock.Manual }

func newClock(now time.Time) immediate { return immediate{clock.NewManual(now)} }

func (c immediate) Timer(d time.Duration) (<-chan time.Time, func()) {
	c.Advance(d)
	return c.Manual.Timer(0)
}

func TestRead(t *testing.T) {
	var got []string
	s := serviceOf(t, vendorOf(t, &got).URL, nil, newClock(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)))
	report, err := s.Read(t.Context(), "crm/secret")
	must(t, err)
	text, err := json.MarshalIndent(report, "", " ")
	must(t, err)
	const want = `{
 "app": "crm",
 "calls": [
  {"operation": "broken.list", "status": 422, "error": "invalid"},
  {"operation": "contacts.list", "status": 200,
   "unknown": ["contacts[].phone", "contacts[].(a name that may be data)"],
   "missing": ["contacts[].email"],
   "other_type": [
    {"field": "contacts[].age", "declared": "integer", "found": "text"},
    {"field": "contacts[].kind", "declared": "\"a\"|\"b\"", "found": "text"},
    {"field": "contacts[].either", "declared": "#Task|[string]", "found": "number"}
   ]},
  {"operation": "contacts.get", "status": 200, "other_type": [{"field": "either.title", "declared": "string", "found": "number"}]},
  {"operation": "rooms.list", "status": 200, "other_type": [{"field": "rooms[].by.*", "declared": "string", "found": "number"}]},
  {"operation": "rooms.info", "status": 200},
  {"operation": "tasks.list", "status": 200, "empty": true}
 ],
 "skipped": [
  {"operation": "secrets.list", "reason": "the scopes of the connection do not allow it"},
  {"operation": "notes.list", "reason": "no record was found for its arguments"}
 ]
}`
	if !sameJSON(t, string(text), want) {
		t.Errorf("got %s\nwant %s", text, want)
	}
	if strings.Contains(string(text), "secret") && strings.Contains(strings.ReplaceAll(string(text), "secrets.list", ""), "secret") {
		t.Errorf("the report has a value:\n%s", text)
	}
	for _, one := range got {
		if !strings.HasPrefix(one, "GET ") {
			t.Errorf("%s was sent", one)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	compact := func(text string) string {
		var v any
		must(t, json.Unmarshal([]byte(text), &v))
		written, err := json.Marshal(v)
		must(t, err)
		return string(written)
	}
	return compact(a) == compact(b)
}

// TestReadPace: reading uses a tenth of a rate limit, so that the calls of scripts
// have the rest.
func TestReadPace(t *testing.T) {
	for _, test := range []struct {
		limit bindings.Limit
		want  time.Duration // from the first of the six requests to the last
	}{
		{bindings.Limit{Requests: 1000, Per: time.Minute, Scope: bindings.PerConnection}, 0},
		{bindings.Limit{Requests: 20, Per: time.Second, Scope: bindings.PerConnection}, 2 * time.Second},
		{bindings.Limit{Requests: 1, Per: time.Second, Scope: bindings.PerConnection}, 50 * time.Second},
		{bindings.Limit{Requests: 1, Per: time.Second, Scope: bindings.PerOperation}, 0},
		{bindings.Limit{Name: "other", Requests: 1, Per: time.Second, Scope: bindings.PerConnection}, 0},
	} {
		t.Run(test.limit.String(), func(t *testing.T) {
			var got []string
			c := newClock(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
			s := serviceOf(t, vendorOf(t, &got).URL, []bindings.Limit{test.limit}, c)
			begun := c.Now()
			_, err := s.Read(t.Context(), "crm/secret")
			must(t, err)
			if took := c.Now().Sub(begun); took != test.want {
				t.Errorf("%d requests took %v, want %v", len(got), took, test.want)
			}
		})
	}
}
