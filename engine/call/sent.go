package call

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// sentRecord is the record of a request in the journal, from which the same
// bytes can be sent again after a crash. It has no credential: authorisation is
// added at each sending.
type sentRecord struct {
	At     time.Time `json:"at"` // of the first sending
	Method string    `json:"method"`
	// URL is path and query below the connection's address, for the http
	// library the whole address.
	URL     string            `json:"url,omitempty"`
	Key     string            `json:"key,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    *string           `json:"body,omitempty"` // text
	Base64  []byte            `json:"base64,omitempty"`
	// Withheld is set when the request has a secret or a file. Then nothing of
	// it is recorded, and the request is built again from the same arguments.
	Withheld bool `json:"withheld,omitempty"`
	// OwnKey is the key of ours among the arguments, see bindings.OwnKey.
	OwnKey string `json:"own_key,omitempty"`
	// To is where the request was sent; nil for the http library.
	To *sentTo `json:"to,omitempty"`
}

// plainHeaders are the headers that are recorded of a request with headers from
// a script: any other may be a credential.
var plainHeaders = []string{"Accept", "Content-Type", "User-Agent"}

// credentialHeaders are never recorded.
var credentialHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// snapshot is the record of a request before it is authorised. Nil names record
// all headers; opened is set when secrets were put into the arguments.
func (w *wire) snapshot(base, keyHeader string, names []string, r redactor, opened bool) sentRecord {
	s := sentRecord{Method: w.method, URL: strings.TrimPrefix(w.url, base)}
	if keyHeader != "" {
		s.Key = w.header.Get(keyHeader)
	}
	for name := range w.header {
		if names != nil && !slices.Contains(names, name) || slices.Contains(credentialHeaders, name) || strings.EqualFold(name, keyHeader) {
			continue
		}
		if s.Headers == nil {
			s.Headers = make(map[string]string, len(w.header))
		}
		s.Headers[name] = w.header.Get(name)
	}
	switch {
	case w.body == nil:
	case utf8.Valid(w.body):
		text := string(w.body)
		s.Body = &text
	default:
		s.Base64 = w.body
	}
	if opened || w.stream != nil || r.containsSecret(w.url) || r.containsSecret(string(w.body)) || r.containsSecret(s.Key) || r.anyContainsSecret(s.Headers) {
		return sentRecord{Method: w.method, Withheld: true}
	}
	return s
}

func (r redactor) containsSecret(text string) bool { return text != "" && r.redactText(text) != text }

func (r redactor) anyContainsSecret(texts map[string]string) bool {
	for _, text := range texts {
		if r.containsSecret(text) {
			return true
		}
	}
	return false
}

// readSentRecord reads a record; it is nil where there is none.
func readSentRecord(raw json.RawMessage) (*sentRecord, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var s sentRecord
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("read what was sent first: %w", err)
	}
	if s.Method == "" || s.At.IsZero() || !s.Withheld && s.URL == "" {
		return nil, fmt.Errorf("read what was sent first: expected method, url and at")
	}
	return &s, nil
}

// complete reports whether the request can be sent again from the record alone.
func (s *sentRecord) complete() bool { return s != nil && !s.Withheld }

// restore replaces the request in w by the recorded one.
func (s *sentRecord) restore(w *wire, base, keyHeader string) error {
	if base != "" && !strings.HasPrefix(s.URL, "/") {
		return fmt.Errorf("read what was sent first: found the address %q, expected a path below %s", s.URL, base)
	}
	w.method, w.url, w.body = s.Method, base+s.URL, s.Base64
	if s.Body != nil {
		w.body = []byte(*s.Body)
	}
	if w.header == nil {
		w.header = http.Header{}
	}
	for name, value := range s.Headers {
		w.header.Set(name, value)
	}
	if s.Key != "" && keyHeader != "" {
		w.header.Set(keyHeader, s.Key)
	}
	return nil
}
