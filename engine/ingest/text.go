package ingest

import (
	"cmp"
	"fmt"
	"net/url"
	"strings"

	"github.com/tidewire/tidewire/engine/charset"
)

// text returns the body as UTF-8. Signatures are checked with m.body instead,
// which has the bytes as received.
func (m *message) text() ([]byte, *refusal) {
	text, err := charset.Decode(m.body, charset.FromContentType(m.Header.Get("Content-Type")))
	if err != nil {
		return nil, unreadable("charset", "the body is not text that can be read: "+err.Error())
	}
	return text, nil
}

// form returns a body in the form encoding, with names and values in UTF-8. In
// m.body the percent signs encode bytes of the declared charset.
func (m *message) form() ([]byte, *refusal) {
	body, declared := m.body, charset.FromContentType(m.Header.Get("Content-Type"))
	if charset.FromBOM(body) != "" {
		text, refused := m.text()
		if refused != nil {
			return nil, refused
		}
		body, declared = text, ""
	}
	var form strings.Builder
	for i, pair := range strings.Split(string(body), "&") {
		if i > 0 {
			form.WriteByte('&')
		}
		name, value, found := strings.Cut(pair, "=")
		for j, part := range []string{name, value} {
			if j > 0 && found {
				form.WriteByte('=')
			}
			unescaped, err := url.QueryUnescape(part)
			if err != nil {
				return m.body, nil // ReadForm returns this error
			}
			text, err := charset.DecodeAs([]byte(unescaped), cmp.Or(declared, "utf-8"))
			if err != nil {
				field, _ := url.QueryUnescape(name)
				return nil, unreadable("charset", fmt.Sprintf("the field %.40q of the form is not text that can be read: %v", field, err))
			}
			form.WriteString(url.QueryEscape(string(text)))
		}
	}
	return []byte(form.String()), nil
}
