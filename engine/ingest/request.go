package ingest

import (
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/jsonpath"
	"github.com/tidewire/tidewire/engine/script"
)

// The bounds of the headers that scripts get. Further ones are left out, in the
// order of their names.
const (
	maxHeaders     = 64
	maxHeaderBytes = 16 << 10
)

// request returns what a script gets of a request beside its data.
func (m *message) request(in *script.Inbound) (*journal.Request, *refusal) {
	query, refused := queryFields(m.Request, in.Verify.Query)
	if refused != nil {
		return nil, refused
	}
	r := &journal.Request{Method: m.Method, Headers: headers(m.Header, in.Verify.Headers()), Query: query}
	switch {
	case !in.Raw:
	case utf8.Valid(m.body):
		r.Body = string(m.body)
	default:
		r.BodyBase64 = base64.StdEncoding.EncodeToString(m.body)
	}
	return r, nil
}

// headers returns the headers of a request, without credentials and those left
// out, by their names in lower case.
func headers(h http.Header, without []string) map[string]string {
	all, bytes := map[string]string{}, 0
	for _, name := range slices.Sorted(maps.Keys(h)) {
		value := strings.ToValidUTF8(strings.Join(h[name], ", "), "\uFFFD")
		size := len(name) + len(value)
		if slices.Contains(without, name) || isCredential(name) || len(all) == maxHeaders || bytes+size > maxHeaderBytes {
			continue
		}
		bytes += size
		all[strings.ToLower(name)] = value
	}
	return all
}

// credentialWords are parts of the names of headers that have secrets.
var credentialWords = []string{"authorization", "cookie", "cookie2", "token", "secret", "password", "passwd", "credential", "credentials", "apikey", "session", "jwt"}

// isCredential reports whether a header has a secret, by its name.
func isCredential(name string) bool {
	name = strings.ToLower(name)
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' })
	for i, word := range words {
		if slices.Contains(credentialWords, word) {
			return true
		}
		if word == "key" && i > 0 && slices.Contains([]string{"api", "access", "auth", "private"}, words[i-1]) {
			return true
		}
	}
	return false
}

// inboundID returns the id of a request, empty if the script names no place of one.
func (m *message) inboundID(place script.EventID, data []byte) (string, *refusal) {
	var id, where string
	switch {
	case place.Path != "":
		id, where = jsonpath.Text(data, place.Path), fmt.Sprintf("the body has no %q", place.Path)
	case place.Header != "":
		id, where = m.Header.Get(place.Header), "there is no header "+place.Header
	case place.Query != "":
		id, where = m.URL.Query().Get(place.Query), fmt.Sprintf("the address has no parameter %q", place.Query)
	default:
		return "", nil
	}
	if id == "" {
		return "", &refusal{status: http.StatusUnprocessableEntity, reason: "id", text: where + ", where the script looks for the event's id"}
	}
	return id, nil
}

// allowed returns the methods that a request's address takes.
func (s *Server) allowed(r *http.Request) []string {
	if strings.HasPrefix(r.URL.Path, "/in/") {
		if in, found := s.config.Generation().Inbound(inboundPath(r)); found {
			return in.Methods
		}
	}
	return webhookMethods
}

// webhookMethods are those of addresses for apps.
var webhookMethods = []string{http.MethodPost}

// inboundPath returns the path of a script's address. A slash at its end has no
// meaning.
func inboundPath(r *http.Request) string { return "/" + strings.TrimSuffix(r.PathValue("path"), "/") }
