package ingest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/journal"
)

// FuzzInbound sends any body of any type to an address that anybody may use: it is
// stored as JSON or refused, and the server does not crash.
func FuzzInbound(f *testing.F) {
	r := newReceiver(f)
	for _, seed := range [][4]string{
		{"application/json", "", "", `{"a":1}`}, {"application/x-www-form-urlencoded; charset=utf-16", "", "a=1&b=%zz", "a=1&a=2"},
		{"multipart/form-data; boundary=b", "", "", "--b\r\nContent-Disposition: form-data; name=\"a\"; filename=\"b\"\r\n\r\nx\r\n--b--\r\n"},
		{"text/csv", "gzip", "%", "\x1f\x8b"}, {"", "", "a&&a=b", "hello"}, {"image/png", "", "", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2], []byte(seed[3]))
	}
	handler := r.ingest.Handler()
	f.Fuzz(func(t *testing.T, kind, encoding, query string, body []byte) {
		clear(r.stored)
		q := httptest.NewRequest(http.MethodPost, "/in/open", strings.NewReader(string(body)))
		q.URL.RawQuery = query
		q.Header = http.Header{"Content-Type": {kind}, "Content-Encoding": {encoding}}
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, q)
		switch answer.Code {
		case 200, 400, 413, 415:
		default:
			t.Errorf("got %d for %q", answer.Code, body)
		}
		for _, event := range r.stored {
			table, err := event.Table()
			if err != nil || !journal.ValidJSON(table) || len(event.Data) > 0 && !journal.ValidJSON(event.Data) {
				t.Errorf("stored %q (%v)", table, err)
			}
		}
	})
}
