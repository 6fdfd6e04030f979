package call

import (
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/charset"
)

// answerText returns the body of an answer as UTF-8, and whether it is text. The
// charset override, if not empty, replaces byte order mark and declaration. It
// is an error if what is declared as text cannot be decoded.
func answerText(header http.Header, body []byte, override string) ([]byte, bool, error) {
	kind, declared := contentType(header), charset.FromContentType(header.Get("Content-Type"))
	if override != "" {
		text, err := charset.DecodeAs(body, override)
		return text, true, err
	}
	switch {
	case strings.HasPrefix(kind, "text/"), jsonType(kind), textType(kind) && declared != "":
		text, err := charset.Decode(body, declared)
		if err != nil && declared == "" && charset.FromBOM(body) == "" {
			err = fmt.Errorf("%w; the answer declares no charset", err)
		}
		return text, true, err
	case kind == "", textType(kind):
		if text, err := charset.Decode(body, declared); err == nil {
			return text, true, nil
		}
	}
	// A charset declared for what is not text, such as a PDF, has no meaning.
	return body, utf8.Valid(body), nil
}

// textType reports whether an answer of this content type is text, beside
// text/… and JSON. XML may declare its charset in the text itself.
func textType(kind string) bool {
	switch kind {
	case "application/xml", "application/javascript", "application/x-ndjson", "application/csv", "application/yaml":
		return true
	}
	return strings.HasSuffix(kind, "+xml")
}

// unreadableText is the message for a complete answer whose text cannot be decoded.
// instead is how else to call, so that it can be read.
func unreadableText(status int, err error, instead string, safe bool) string {
	done := ""
	if !safe && status < 300 {
		done = "; what was asked for is done"
	}
	return oneLine(fmt.Sprintf("it answered %d with text that cannot be read: %v; %s%s", status, err, instead, done))
}

// asBytes is how a call gets the bytes of an answer.
const asBytes = `as = "file" gives the bytes of such an answer`

// unreadable is the error for an answer of the http library whose text cannot
// be decoded. It is final: the same answer would come again.
func (j *job) unreadable(status int, err error) *bindings.Error {
	instead := `charset = "…" reads such an answer in another charset`
	if status < 300 {
		instead += ", " + asBytes
	}
	e := j.errorf(bindings.Invalid, false, "%s", unreadableText(status, err, instead, j.safety == readOnly))
	e.Status = status
	return e
}
