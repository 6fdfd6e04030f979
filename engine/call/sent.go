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

// sentRecord is what the journal keeps of a request that is about to leave, so that
// the same bytes can be sent again after a crash. No credential stands in it:
// authorisation is added at each sending.
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
	// Withheld says that a secret or a file stands in the request. Then nothing
	// of it is kept, and the request is made anew from the same arguments.
	Withheld bool `json:"withheld,omitempty"`
}

// plainHeaders are those that are kept of a request whose headers a script
// gave: any other may be a credential.
var plainHeaders = []string{"Accept", "Content-Type", "User-Agent"}

// credentialHeaders are never kept.
var credentialHeaders = []string{"Authorization", "Cookie", "Proxy-Authorization"}

// snapshot describes a request before it is authorised. Nil names keep all headers;
// opened says that secrets were put into the arguments.
func (w *wire) snapshot(base, keyHeader string, names []string, h redactor, opened bool) sentRecord {
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
	if opened || w.stream != nil || h.containsSecret(w.url) || h.containsSecret(string(w.body)) || h.containsSecret(s.Key) || h.anyContainsSecret(s.Headers) {
		return sentRecord{Method: w.method, Withheld: true}
	}
	return s
}

func (h redactor) containsSecret(text string) bool { return text != "" && h.redactText(text) != text }

func (h redactor) anyContainsSecret(texts map[string]string) bool {
	for _, text := range texts {
		if h.containsSecret(text) {
			return true
		}
	}
	return false
}

// readSentRecord reads what a mark kept; nil where there is nothing.
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

// complete reports whether the request can be sent again from it alone.
func (s *sentRecord) complete() bool { return s != nil && !s.Withheld }

// restore puts what was first sent in the place of what w holds.
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
