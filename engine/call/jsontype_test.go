package call_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

// TestJSONType sends JSON bodies with the type that the vendor expects.
func TestJSONType(t *testing.T) {
	for _, c := range []struct{ ofApp, want string }{{"", "application/json"}, {"application/json; charset=utf-8", "application/json; charset=utf-8"}} {
		var got []string
		s := start(t, func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.Header.Get("Content-Type"))
			reply(200, `{}`)(w)
		}, func(_ *call.Config, _ *connection.Settings, app *bindings.App) { app.JSONType = c.ofApp })
		if _, err := s.do(t, "contacts.create", `{"name":"x"}`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.do(t, safe, `{}`); err != nil {
			t.Fatal(err)
		}
		raw := call.RawRequest{App: s.app, Connection: "crm/paris", Method: "POST", Path: "/x", Body: json.RawMessage(`{"a":1}`), BegunRecorder: s.recorder()}
		if _, err := s.Raw(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		if len(got) != 3 || got[0] != c.want || got[1] != "" || got[2] != c.want {
			t.Errorf("%q: the requests had the types %q, expected %q where there is a body", c.ofApp, got, c.want)
		}
	}
}
