package run_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// catalogue is that of the apps of these tests: it has one operation of each kind
// of safety.
const catalogue = `operation look.now {"id":"look","method":"GET","path":"/look","in_query":["tag: string"]}
operation items.save {"id":"saveItem","method":"POST","path":"/items","body":{"encoding":"json","type":"#Tagged","required":true},"idempotent":"the same tag gives the same item"}
operation orders.pay {"id":"payOrder","method":"POST","path":"/orders","body":{"encoding":"json","type":"#Tagged","required":true}}
operation transfers.make {"id":"makeTransfer","method":"POST","path":"/transfers","in_header":["\"X-Key\": string"],"body":{"encoding":"json","type":"#Tagged","required":true},"key":true}
type Tagged {"fields":["tag: string"]}
type Order {"fields":["id: string","customer: string","n: integer"]}
trigger %[1]s.order.created {"vendor":"order.created","record":"customer","data":"#Order"}
trigger %[1]s.order.confirmed {"vendor":"order.confirmed","record":"customer","data":"#Order"}
trigger %[1]s.order.closed {"vendor":"order.closed","record":"customer","data":"#Order"}
trigger %[1]s.button.clicked {"vendor":"button.clicked","decides":{"answer":["values.0","option"],"by":"user.name","messages":[{"event":["place","message"],"sent":["place","id"]},{"event":["message"],"sent":["hidden_id"]}]}}
`

func app(t testing.TB, name string) *bindings.App {
	t.Helper()
	parsed, err := bindings.ParseCatalogue(fmt.Appendf(nil, catalogue, name))
	must(t, err)
	return &bindings.App{
		Name: name, Title: name, BaseURL: "http://127.0.0.1",
		Auth:      []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
		Errors:    bindings.Errors{Message: []string{"error"}},
		KeyHeader: "X-Key", KeyTTL: 30 * time.Minute, Catalogue: parsed,
		Consent: &bindings.Consent{Status: 428, Session: "session", Header: "X-Session",
			StatusCall: bindings.Call{Operation: "look.now", Args: map[string]any{"tag": "{session}"}}, Result: "result",
			Allowed: "allow", Denied: "deny", Every: time.Second, Lifetime: 15 * time.Minute, Where: "on their phone"},
	}
}

// request is a request that the vendor received.
type request struct{ Method, Path, Query, Key, Token, Session, Body string }

// reply is what the vendor answers: a status and a body, or a connection that
// is cut before the answer.
type reply struct {
	status int
	body   string
	header map[string]string
	cut    bool
}

var ok = reply{status: 200, body: `{"ok":true}`}

// vendor answers all calls of all apps, and counts them.
type vendor struct {
	*httptest.Server
	mu       sync.Mutex
	received []request
	answer   func(n int, r request) reply // n counts the requests of this path, from 1
}

func newVendor(t testing.TB) *vendor {
	v := &vendor{answer: func(int, request) reply { return ok }}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	one := request{r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Key"), r.Header.Get("Authorization"), r.Header.Get("X-Session"), string(body)}
	v.mu.Lock()
	v.received = append(v.received, one)
	n := 0
	for _, other := range v.received {
		if other.Path == one.Path {
			n++
		}
	}
	answer := v.answer
	v.mu.Unlock()
	made := answer(n, one)
	if made.cut {
		panic(http.ErrAbortHandler)
	}
	for name, value := range made.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(made.status)
	_, _ = io.WriteString(w, made.body)
}

func (v *vendor) answers(f func(n int, r request) reply) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answer = f
}

// requests returns the requests to a path so far.
func (v *vendor) requests(path string) (all []request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, one := range v.received {
		if one.Path == path {
			all = append(all, one)
		}
	}
	return all
}
