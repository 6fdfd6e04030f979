package call_test

import (
	"io"
	"net/http"
	"testing"
)

// A field that was read under the name that answers have for it is sent under its own.
func TestAliasIsSentAsTheField(t *testing.T) {
	var body []byte
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ = io.ReadAll(r.Body)
		reply(200, `{}`)(w)
	}, nil)
	args := `{"custom":[{"id":"a","value":"x"},{"value":["y"],"id":"b"},{"id":"c","value":2},{"id":"d","field_value":"z"}],"extra":"value"}`
	if _, err := s.do(t, "contacts.create", args); err != nil {
		t.Fatal(err)
	}
	want := `{"locationId":"loc1","custom":[{"id":"a","field_value":"x"},{"field_value":["y"],"id":"b"},{"id":"c","field_value":2},{"id":"d","field_value":"z"}],"extra":"value"}`
	if string(body) != want {
		t.Errorf("sent %s\nexpected %s", body, want)
	}
}
