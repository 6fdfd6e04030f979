package call_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// Where an answer has the whole address of the next page, that address is used
// without the arguments of the first page, and only if it is below the
// connection's own address.
func TestNextPageByAddress(t *testing.T) {
	var got []string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.URL.RequestURI())
		next := ""
		if !strings.Contains(r.URL.RawQuery, "skip") {
			next = `,"@odata.nextLink":"http://` + r.Host + `/contacts?%24top=1&$skiptoken=a%2Fb"`
		}
		reply(200, `{"value":[{"id":1}]`+next+`}`)(w)
	}, nil)
	op := *s.op(t, "contacts.list")
	op.Pages = &bindings.Pages{Items: "value", URL: "@odata.nextLink", SizeParam: "limit", Size: 7}
	args := json.RawMessage(`{}`)
	pages := 0
	for args != nil {
		r := s.request(t, "contacts.list", string(args))
		r.Operation, r.Page = &op, true
		answer, err := s.Do(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		items, next, err := call.Page(&op, args, answer.Body)
		if err != nil || string(items) != `[{"id":1}]` {
			t.Fatalf("got %s, %v", items, err)
		}
		args = next
		pages++
	}
	if pages != 2 || got[1] != "/contacts?%24top=1&$skiptoken=a%2Fb" {
		t.Errorf("walked %d pages: %q", pages, got)
	}
}

func TestNextPageLeadsNowhereElse(t *testing.T) {
	s := start(t, func(w http.ResponseWriter, _ *http.Request) {
		t.Error("it was sent")
		reply(200, `{}`)(w)
	}, nil)
	op := *s.op(t, "contacts.list")
	op.Pages = &bindings.Pages{Items: "value", URL: "@odata.nextLink"}
	base := s.app.BaseURL
	for _, address := range []string{
		"https://elsewhere.example/contacts", strings.Replace(base, "http://", "https://", 1) + "/contacts", base + ".elsewhere.example/contacts",
		strings.Replace(base, "http://", "http://me@", 1) + "/contacts", base + "/a/../b", base + "/a/%2e%2e/b", base, base + "/contacts#x",
		"/contacts", "contacts", "http:contacts", base + "/con tacts",
	} {
		args, err := json.Marshal(map[string]string{"@odata.nextLink": address})
		if err != nil {
			t.Fatal(err)
		}
		r := s.request(t, "contacts.list", string(args))
		r.Operation = &op
		_, err = s.Do(t.Context(), r)
		if err == nil || !strings.Contains(err.Error(), `"@odata.nextLink"`) || !strings.Contains(err.Error(), "below "+base) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// addressed makes a vendor with a separate address for one operation, and a
// connection with that address.
func addressed(t testing.TB, handler http.HandlerFunc, change func(*connection.Settings)) (*setup, call.Request) {
	t.Helper()
	s := start(t, handler, func(_ *call.Config, settings *connection.Settings, app *bindings.App) {
		app.Auth[0].Optional, app.Auth[0].Addresses = []string{"post_url"}, []string{"post_url"}
		app.Auth = append(app.Auth, bindings.Auth{Name: "post", Fields: []string{"post_url"}, Addresses: []string{"post_url"}})
		settings.Credentials["post_url"] = app.BaseURL + "/flows/7f3a-not-to-be-shown?sig=a-signature-not-to-be-shown&v=1"
		if change != nil {
			change(settings)
		}
	})
	r := s.request(t, "fields.put", `{"text":"hello"}`)
	op := *r.Operation
	op.Address, op.Path = "post_url", "/flow"
	body := *op.Body
	body.Max, op.Body = 40, &body
	r.Operation = &op
	return s, r
}

func TestAddressOfItsOwn(t *testing.T) {
	var got *http.Request
	s, r := addressed(t, func(w http.ResponseWriter, r *http.Request) {
		got = r
		w.WriteHeader(http.StatusAccepted)
	}, nil)
	answer, err := s.Do(t.Context(), r)
	if err != nil || answer.Status != http.StatusAccepted || string(answer.Body) != "null" {
		t.Fatalf("got %d %s, %v", answer.Status, answer.Body, err)
	}
	if got.URL.Path != "/flows/7f3a-not-to-be-shown" || got.URL.Query().Get("sig") == "" || got.Header.Get("Authorization") != "" {
		t.Errorf("sent to %s with %q", got.URL, got.Header.Get("Authorization"))
	}
	if text, _ := json.Marshal([]any{s.sent, s.sendings}); strings.Contains(string(text), "not-to-be-shown") || len(s.sent) != 1 {
		t.Errorf("the journal and the log got %s", text)
	}
}

// TestErrorsHideTheAddress checks that no error shows the address.
func TestErrorsHideTheAddress(t *testing.T) {
	refused := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"message":"no: ` + r.URL.RequestURI() + ` and ` + r.URL.Query().Get("sig") + `"}`))
	}
	moved := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://elsewhere.example"+r.URL.RequestURI(), http.StatusFound)
	}
	cut := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	for name, handler := range map[string]http.HandlerFunc{"refused": refused, "moved": moved, "cut": cut} {
		s, r := addressed(t, handler, nil)
		_, err := s.Do(t.Context(), r)
		var e *bindings.Error
		if !errors.As(err, &e) {
			t.Fatalf("%s: %v", name, err)
		}
		if text, _ := json.Marshal(e); strings.Contains(string(text)+e.Error(), "not-to-be-shown") {
			t.Errorf("%s: %s", name, text)
		}
	}
	s, r := addressed(t, cut, func(settings *connection.Settings) {
		settings.Credentials["post_url"] = "https://nowhere.invalid/flows/not-to-be-shown?sig=a-signature-not-to-be-shown"
	})
	if _, err := s.Do(t.Context(), r); err == nil || strings.Contains(err.Error(), "not-to-be-shown") {
		t.Errorf("no such host: %v", err)
	}
}

func TestAddressAndNothingElse(t *testing.T) {
	for _, test := range []struct{ name, credential, operation, args, want string }{
		{"too large", "post_url", "fields.put", `{"text":"` + strings.Repeat("é", 20) + `"}`, "the body has 51 bytes and crm takes 40; it was not sent (too_large)"},
		{"another call with the address alone", "post_url", "ping.now", `{}`, `connection "crm/paris" has an address to post to and nothing that authorises other calls; it was not sent (forbidden)`},
		{"no address", "token", "fields.put", `{}`, `connection "crm/paris" has no post_url, which this is sent to; it was not sent (forbidden)`},
	} {
		s, r := addressed(t, func(http.ResponseWriter, *http.Request) { t.Errorf("%s: it was sent", test.name) }, func(settings *connection.Settings) {
			settings.Credentials = map[string]string{test.credential: settings.Credentials[test.credential]}
		})
		if test.operation != "fields.put" {
			r.Operation = s.op(t, test.operation)
		}
		r.Args = json.RawMessage(test.args)
		if _, err := s.Do(t.Context(), r); err == nil || err.Error() != "crm."+test.operation+": "+test.want {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	s, _ := addressed(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") }, func(settings *connection.Settings) {
		delete(settings.Credentials, "token")
	})
	if _, err := s.Raw(t.Context(), call.RawRequest{App: s.app, Connection: "crm/paris", Path: "/ping"}); err == nil || !strings.Contains(err.Error(), "nothing that authorises") {
		t.Errorf("a request by hand: %v", err)
	}
}
