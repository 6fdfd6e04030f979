package sandbox_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// FuzzHandler sends arbitrary requests: no answer is a 5xx and nothing panics.
func FuzzHandler(f *testing.F) {
	for _, seed := range [][4]string{
		{"POST", "/highlevel/contacts/", "application/json", contact},
		{"POST", "/highlevel/contacts/search", "application/json", `{"filters":[{"field":"a.b[0]","operator":"eq","value":[1]}],"searchAfter":[1,"x"]}`},
		{"GET", "/highlevel/opportunities/search?location_id=x&startAfter=-1&limit=1e9", "", ""},
		{"PATCH", "/qonto/clients/%2e%2e", "application/json", `{"name":null}`},
		{"GET", "/qonto/transactions?page=99999999999&per_page=-1&status[]=pending", "", ""},
		{"POST", "/qonto/attachments", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nb\r\n--x--"},
		{"POST", "/slack/views.publish", "application/json", `{"user_id":"U0SANDADA01","view":{"blocks":[{"accessory":1},[],{"type":"actions","elements":{}}]}}`},
		{"POST", "/slack/files.completeUploadExternal", "application/x-www-form-urlencoded", "files=[1,{}]&channels=,"},
		{"POST", "/slack/upload/v1/x", "multipart/form-data; boundary=b", "--b\r\n"},
		{"POST", "/slack/response/x", "application/json", "[]"},
		{"POST", "/sandbox/do/slack/click", "application/json", `{"value":{},"ts":1}`},
		{"POST", "/slack/conversations.members", "application/x-www-form-urlencoded", "channel=C0GENERAL01&cursor=member--9&limit=0"},
		{"POST", "/slack/chat.postMessage", "application/json", `{"channel":{"a":1},"text":[]}`},
		{"POST", "/highlevel/oauth/token", "application/x-www-form-urlencoded", "grant_type=refresh_token"},
		{"POST", "/sandbox/faults", "application/json", `{"times":-1,"after":-5}`},
		{"POST", "/sandbox/records/highlevel/contacts", "application/json", `{"id":"a","tags":{"x":1}}`},
		{"POST", "/sandbox/emit", "application/json", `{"trigger":"qonto.client.created","data":{"event":7}}`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	s, err := sandbox.New(sandbox.Config{Apps: all.Apps(), Rules: all.Rules(), Seed: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Fuzz(func(t *testing.T, method, target, kind, body string) {
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		r, err := http.NewRequest(method, "http://127.0.0.1"+target, strings.NewReader(body))
		if err != nil {
			t.Skip()
		}
		if strings.HasPrefix(r.URL.Path, "/sandbox/faults") {
			t.Skip() // an injected fault may be a 5xx
		}
		r.Header.Set("Content-Type", kind)
		r.Header.Set("Authorization", "Bearer "+sandbox.Token)
		r.Header.Set("Version", "2021-07-28")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Errorf("%s %s: %d %s", method, target, w.Code, w.Body)
		}
	})
}
