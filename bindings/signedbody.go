package bindings

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"
)

// isForm reports whether a request has a form (application/x-www-form-urlencoded).
func (r Request) isForm() bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == "application/x-www-form-urlencoded"
}

// signedForm returns the names and values of a form, in the order of the names
// and, of one name, of its different values.
func signedForm(r Request) ([]byte, error) {
	if !r.isForm() {
		return nil, nil
	}
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: the body is not a form that can be read", ErrSignature)
	}
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	var out bytes.Buffer
	for _, name := range names {
		slices.Sort(values[name])
		for _, value := range slices.Compact(values[name]) {
			out.WriteString(name + value)
		}
	}
	return out.Bytes(), nil
}

// checkBody refuses a body of which nothing is signed, and compares the hash of
// one that is signed by its hash only.
func (s Signature) checkBody(r Request) error {
	if len(r.Body) == 0 || r.isForm() || !strings.Contains(s.Signed, "{form}") || strings.Contains(s.Signed, "{body}") {
		return nil
	}
	if s.BodyHash == "" {
		return fmt.Errorf("%w: the body is no form, and only a form is signed", ErrSignature)
	}
	_, query, _ := strings.Cut(r.URL, "?")
	values, err := url.ParseQuery(query)
	if err != nil || values.Get(s.BodyHash) == "" {
		return fmt.Errorf("%w: the body is no form, and the address has no parameter %s", ErrUnsigned, s.BodyHash)
	}
	sum := sha256.Sum256(r.Body)
	if subtle.ConstantTimeCompare([]byte(strings.ToLower(values.Get(s.BodyHash))), []byte(hex.EncodeToString(sum[:]))) != 1 {
		return fmt.Errorf("%w: parameter %s", ErrSignature, s.BodyHash)
	}
	return nil
}

// bodyText returns the text or number at a path of names in a JSON body; empty if
// there is none.
func bodyText(body []byte, path string) string {
	for name := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) != nil {
			return ""
		}
		body = object[name]
	}
	var text string
	if json.Unmarshal(body, &text) == nil {
		return text
	}
	var number json.Number
	if json.Unmarshal(body, &number) == nil {
		return number.String()
	}
	return ""
}
