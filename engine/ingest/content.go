package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/tidewire/tidewire/engine/charset"
	"github.com/tidewire/tidewire/engine/journal"
)

// content is the body of a request to a script's address as data of an event.
type content struct {
	data   json.RawMessage // nil for an empty body
	files  []string        // the fields of data that have files
	stored []string        // the hashes of those files that are not in data
}

// uncompress replaces a compressed body.
func (m *message) uncompress() *refusal {
	switch encoding := strings.ToLower(strings.TrimSpace(m.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
		return nil
	case "gzip", "x-gzip":
	default:
		return &refusal{status: http.StatusUnsupportedMediaType, reason: "encoding",
			text: fmt.Sprintf("the body has the encoding %.40q; expected gzip or none", encoding)}
	}
	if len(m.body) == 0 {
		return nil
	}
	reader, err := gzip.NewReader(bytes.NewReader(m.body))
	if err != nil {
		return unreadable("encoding", "the body is not gzip: "+err.Error())
	}
	text, err := readAll(io.LimitReader(reader, MaxBody+1), -1, m.reserved.add)
	switch {
	case errors.Is(err, errBudget):
		refused := m.overload()
		return &refused
	case err != nil:
		return unreadable("encoding", "the body is not gzip: "+err.Error())
	case len(text) > MaxBody:
		return &refusal{status: http.StatusRequestEntityTooLarge, reason: "size", text: "the body is larger than 5 MiB when it is uncompressed"}
	}
	m.body = text
	return nil
}

// content reads a body by its Content-Type. JSON is taken also without that type,
// and with the types that programs set when their user names none.
func (m *message) content(put putFile) (content, *refusal) {
	if len(m.body) == 0 {
		return content{}, nil
	}
	kind, params, _ := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if kind == "multipart/form-data" {
		return m.multipart(params["boundary"], put)
	}
	if kind == formType {
		if text, err := charset.Decode(m.body, ""); err == nil && isTable(text) {
			return content{data: text}, nil
		}
		return m.formFields()
	}
	text, err := charset.Decode(m.body, charset.FromContentType(m.Header.Get("Content-Type")))
	declared := isText(kind)
	switch {
	case err != nil && (kind == "" || declared || isJSON(kind)):
		return content{}, unreadable("charset", "the body is not text that can be read: "+err.Error())
	case err != nil || !declared && bytes.IndexByte(text, 0) >= 0:
		return content{}, &refusal{status: http.StatusUnsupportedMediaType, reason: "type",
			text: fmt.Sprintf("the body has the type %.80q and is no text; expected JSON, a form or text", kind)}
	case isJSON(kind) || kind == "" && startsTable(text):
		if !journal.ValidJSON(text) {
			return content{}, unreadable("json", "the body is not JSON")
		}
		return content{data: text}, nil
	case isTable(text) && (!declared || kind == "text/plain"), kind == "" && journal.ValidJSON(text):
		return content{data: text}, nil
	}
	quoted, err := quote(string(text))
	if err != nil {
		return content{}, unreadable("charset", err.Error())
	}
	return content{data: quoted}, nil
}

const formType = "application/x-www-form-urlencoded"

func isJSON(kind string) bool { return kind == "application/json" || strings.HasSuffix(kind, "+json") }

// isText reports whether a content type is that of text, beside JSON and forms.
func isText(kind string) bool {
	switch kind {
	case "application/xml", "application/csv", "application/yaml", "application/x-ndjson", "application/javascript":
		return true
	}
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+xml")
}

func startsTable(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	return len(text) > 0 && (text[0] == '{' || text[0] == '[')
}

// isTable reports whether a text is a JSON object or list.
func isTable(text []byte) bool { return startsTable(text) && journal.ValidJSON(text) }

// quote returns a text as JSON, with its characters as they are.
func quote(text string) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
