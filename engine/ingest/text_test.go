package ingest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// typed adds the content type to what a signature sets.
func typed(kind string, sign func([]byte) http.Header) func([]byte) http.Header {
	return func(body []byte) http.Header {
		header := http.Header{}
		if sign != nil {
			header = sign(body)
		}
		header.Set("Content-Type", kind)
		return header
	}
}

// TestText sends bodies in several charsets. Events are UTF-8, and signatures are
// those of the bytes as received.
func TestText(t *testing.T) {
	bank := signed(t, apps(t)[1], 0, "bank-secret", now)
	slack := signed(t, chat(t), 0, "chat-secret", now)
	const form, json = "application/x-www-form-urlencoded", "application/json"
	for _, c := range []struct {
		name, path, kind, body string
		sign                   func([]byte) http.Header
		want                   string // the event's data, or a part of the answer if there is no event
	}{
		{"JSON in Latin-1", "/in/open", json + "; charset=ISO-8859-1", "{\"n\":\"Caf\xE9\"}", nil, `{"n":"Café"}`},
		{"JSON behind a mark", "/in/open", json, "\xEF\xBB\xBF{\"n\":1}", nil, `{"n":1}`},
		{"JSON in UTF-16", "/in/open", json + "; charset=utf-8", "\xFF\xFE[\x00]\x00", nil, `[]`},
		{"a webhook in Latin-1", "/hooks/bank", json + "; charset=latin1", "{\"id\":\"e\xE9\",\"type\":\"v1/clients\",\"data\":{\"event\":\"created\",\"id\":\"\xE9\"}}", bank, `{"event":"created","id":"é"}`},
		{"a webhook behind a mark", "/hooks/bank", json, "\xEF\xBB\xBF{\"id\":\"e\",\"type\":\"v1/clients\",\"data\":{\"event\":\"created\"}}", bank, `{"event":"created"}`},
		{"a form in Latin-1", "/hooks/chat", form + "; charset=ISO-8859-1", "team_id=T1&text=Caf%E9+cr\xE8me&a%E9=", slack, `{"team_id":"T1","text":"Café crème","aé":""}`},
		{"a form in UTF-8", "/hooks/chat", form, "team_id=T1&text=Caf%C3%A9%25%3D%2B", slack, `{"team_id":"T1","text":"Café%=+"}`},
		{"a form behind a mark", "/hooks/chat", form, "\xEF\xBB\xBFteam_id=T1&text", slack, `{"team_id":"T1","text":""}`},
		{"JSON in a form in Latin-1", "/hooks/chat", form + "; charset=latin1", "payload=" + url.QueryEscape("{\"team\":{\"id\":\"T1\"},\"n\":\"\xE9\"}"), slack, `{"team":{"id":"T1"},"n":"é"}`},

		{"Latin-1 that is not declared", "/in/open", json, "{\"n\":\"Caf\xE9\"}", nil, `the byte 0xE9 at offset 9 does not fit the charset \"utf-8\"`},
		{"an unknown charset", "/in/open", json + "; charset=x-foo", `{}`, nil, `unknown charset \"x-foo\"`},
		{"a webhook of an unknown charset", "/hooks/bank", json + "; charset=x-foo", `{}`, bank, `unknown charset \"x-foo\"`},
		{"a webhook that does not fit", "/hooks/bank", json, "{\"n\":\"\xE9\"}", bank, `the byte 0xE9 at offset 6 does not fit`},
		{"a form that does not fit", "/hooks/chat", form, "team_id=T1&text=Caf%E9", slack, `the field \"text\" of the form is not text that can be read: the byte 0xE9 at offset 3 does not fit the charset \"utf-8\"`},
		{"a form of an unknown charset", "/hooks/chat", form + "; charset=x-foo", "team_id=T1", slack, `unknown charset \"x-foo\"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newReceiver(t)
			status, answer, _ := r.post(t, c.path, c.body, typed(c.kind, c.sign))
			if status == 200 {
				for _, event := range r.stored {
					answer = string(event.Data)
				}
				if answer != c.want || len(r.stored) != 1 {
					t.Errorf("stored %d events with %s, want %s", len(r.stored), answer, c.want)
				}
				return
			}
			if status != 400 || !strings.Contains(answer, c.want) || !strings.Contains(answer, `"reason":"charset"`) {
				t.Errorf("got %d %s, want %s", status, answer, c.want)
			}
		})
	}
	// The answer to an unsigned request does not describe the body.
	r := newReceiver(t)
	if status, answer, _ := r.post(t, "/hooks/bank", "\xE9", typed(json, nil)); status != 401 {
		t.Errorf("unsigned: got %d %s", status, answer)
	}
}
