package sandbox_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault sandbox.Fault
		made  int // contacts after one call
		check func(*testing.T, sandboxtest.Answer, error)
	}{
		{"status", sandbox.Fault{Status: 503, Header: map[string]string{"Retry-After": "2"}}, 0, func(t *testing.T, a sandboxtest.Answer, err error) {
			if err != nil || a.Status != 503 || a.Header.Get("Retry-After") != "2" || a.Get("statusCode") != "503" {
				t.Errorf("got %v %+v", err, a)
			}
		}},
		{"status after all was done", sandbox.Fault{Status: 500, Done: true}, 1, func(t *testing.T, a sandboxtest.Answer, err error) {
			if err != nil || a.Status != 500 {
				t.Errorf("got %v %+v", err, a)
			}
		}},
		{"cut before", sandbox.Fault{Cut: sandbox.CutRequest}, 0, broken},
		{"cut after", sandbox.Fault{Cut: sandbox.CutAnswer}, 1, broken},
		{"cut within", sandbox.Fault{Cut: sandbox.CutBody}, 1, broken},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := start(t, sandbox.Config{})
			test.fault.App, test.fault.Operation, test.fault.Times = "highlevel", "contacts.create", 1
			must(t, w.Fault(test.fault))
			got, err := w.Try("POST /highlevel/contacts/", contact)
			test.check(t, got, err)
			if made := len(w.Records("highlevel", "contacts")); made != test.made {
				t.Errorf("%d contacts, expected %d", made, test.made)
			}
			w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"other@example.com"}`).Is(201)
		})
	}
}

func broken(t *testing.T, a sandboxtest.Answer, err error) {
	if err == nil {
		t.Errorf("expected a broken connection, got %d %s", a.Status, a.Body)
	}
}

func TestFaultLatencyAndCount(t *testing.T) {
	var waits []time.Duration
	w := start(t, sandbox.Config{Sleep: func(_ context.Context, d time.Duration) error {
		waits = append(waits, d)
		return nil
	}})
	must(t, w.Fault(sandbox.Fault{App: "qonto", Operation: "organization.get", Latency: time.Hour, Times: 2, After: 1}))
	for range 5 {
		w.Call("GET /qonto/organization", "").Is(200)
	}
	if len(waits) != 2 || waits[0] != time.Hour {
		t.Errorf("waited %v, expected an hour twice", waits)
	}
	if n := w.Calls("qonto", "organization.get"); n != 5 {
		t.Errorf("%d calls, expected 5", n)
	}
	faulty := 0
	for _, r := range w.Requests("qonto") {
		if r.Fault {
			faulty++
		}
		if strings.Contains(jsonOf(t, r), sandbox.Token) {
			t.Error("the log shows a token")
		}
	}
	if faulty != 2 {
		t.Errorf("%d requests marked, expected 2", faulty)
	}
}

func TestInvalidFaults(t *testing.T) {
	w := start(t, sandbox.Config{})
	for _, f := range []sandbox.Fault{{App: "nobody"}, {App: "qonto", Operation: "clients.crate"}, {Cut: "here"}} {
		if err := w.Fault(f); err == nil {
			t.Errorf("fault %+v was taken", f)
		}
	}
}

func TestRateLimits(t *testing.T) {
	w := start(t, sandbox.Config{EnforceLimits: true})
	line := "GET /highlevel/users/?locationId=x"
	w.Call(line, "").Is(200)
	last := sandboxtest.Answer{}
	for range 99 {
		last = w.Call(line, "")
	}
	last.Is(200)
	for name, want := range map[string]string{
		"X-RateLimit-Max": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Interval-Milliseconds": "10000",
		"X-RateLimit-Limit-Daily": "200000", "X-RateLimit-Daily-Remaining": "199900",
	} {
		if got := last.Header.Get(name); got != want {
			t.Errorf("%s is %q, expected %q", name, got, want)
		}
	}
	w.Clock.Advance(4 * time.Second)
	refused := w.Call(line, "").Is(429)
	if got := refused.Header.Get("Retry-After"); got != "7" {
		t.Errorf("Retry-After is %q, expected 7", got)
	}
	w.Clock.Advance(7 * time.Second)
	w.Call(line, "").Is(200)
}

// A late request is performed when its time comes, and its connection is closed at
// once. A list that lags has a record after that time.
func TestFaultLateAndLag(t *testing.T) {
	w := start(t, sandbox.Config{})
	must(t, w.Fault(sandbox.Fault{App: "highlevel", Operation: "contacts.create", Late: 30 * time.Second, Times: 1}))
	must(t, w.Fault(sandbox.Fault{App: "highlevel", Operation: "contacts.get", Lag: time.Minute}))
	got, err := w.Try("POST /highlevel/contacts/", contact)
	broken(t, got, err)
	for _, test := range []struct {
		after time.Duration
		made  int
	}{{0, 0}, {29 * time.Second, 0}, {time.Second, 1}, {time.Hour, 1}} {
		w.Clock.Advance(test.after)
		if made := len(w.Records("highlevel", "contacts")); made != test.made {
			t.Errorf("after %s there are %d contacts, expected %d", test.after, made, test.made)
		}
	}
	id := sandboxtest.Value(string(w.Records("highlevel", "contacts")[0]), "id")
	w.Call("GET /highlevel/contacts/"+id, "").Is(200)
	made := w.Call("POST /highlevel/contacts/", `{"locationId":"loc1","email":"other@example.com"}`).Is(201)
	w.Call("GET /highlevel/contacts/"+made.Get("contact.id"), "").Is(404)
	w.Clock.Advance(time.Minute)
	w.Call("GET /highlevel/contacts/"+made.Get("contact.id"), "").Is(200)
}
