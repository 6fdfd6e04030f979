package call

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

// readAnswer returns the body of a successful answer, or the error that the
// answer reports.
//
// An empty answer is null, or an object of headers where the catalogue declares
// that. One that is not JSON is a table: text of a type text/… is in
// {"content_type", "text"}, and anything else, and all that the catalogue
// declares a file, in {"content_type", "base64"}. A page of HTML, or broken
// JSON, is an error unless the catalogue declares it: it comes from something
// between us and the vendor. JSON and text whose charset is unknown, or that
// does not fit its charset, is an error too.
func readAnswer(app *bindings.App, op *bindings.Operation, status int, header http.Header, body []byte) ([]byte, *bindings.Error) {
	kind := contentType(header)
	text, err := body, error(nil)
	isText := kind == "" || strings.HasPrefix(kind, "text/") || jsonType(kind)
	if isText {
		text, _, err = answerText(header, body, "")
	}
	if err != nil {
		text = bytes.ToValidUTF8(body, []byte("?"))
	}
	isJSON := len(text) > 0 && json.Valid(text)
	if status >= 300 {
		return nil, vendorError(app, op, status, header, text, isJSON)
	}
	declared := bindings.Any
	if catalogue := app.CatalogueOf(op); op.Answer != nil && catalogue != nil {
		t, _ := catalogue.Resolve(op.Answer)
		declared = t.Kind
	}
	switch {
	case len(bytes.TrimSpace(text[:min(len(text), 64)])) == 0 && len(text) <= 64:
		return headerAnswer(op, header), nil
	case declared == bindings.File:
		return wrapped(kind, body), nil
	case isJSON && isText && reportsFailure(app, text):
		return nil, vendorError(app, op, status, header, text, true)
	case err != nil && (isJSON || kind != "text/html"):
		e := newError(app, op, bindings.Invalid, status)
		e.Message, e.RequestID = unreadableText(status, err, asBytes, op.ReadOnly()), requestID(app, header)
		return nil, e
	case isJSON && isText:
		return text, nil
	case jsonType(kind) || kind == "text/html":
		e := newError(app, op, bindings.Unavailable, status)
		e.Message = fmt.Sprintf("it answered %d with something that is not JSON (%s): %s", status, contentTypeText(kind), excerpt(text))
		e.Retryable = true
		e.Body = errorBody(text, false)
		e.RequestID = requestID(app, header)
		return nil, e
	}
	return wrapped(kind, text), nil
}

// reportsFailure reports whether an answer with a status of success has, in its
// JSON, that nothing was done.
func reportsFailure(app *bindings.App, text []byte) bool {
	if app.Errors.OK == "" {
		return false
	}
	ok := gjson.GetBytes(text, app.Errors.OK)
	return ok.Exists() && !ok.Bool()
}

// headerAnswer is the answer without a body: null, or an object of the headers
// that the operation declares.
func headerAnswer(op *bindings.Operation, header http.Header) []byte {
	fields := map[string]string{}
	for _, name := range op.AnswerHeaders {
		if value := header.Get(name); value != "" {
			fields[name] = value
		}
	}
	if len(fields) == 0 {
		return []byte("null")
	}
	text, _ := json.Marshal(fields) // strings always encode
	return text
}

func wrapped(kind string, body []byte) []byte {
	if kind == "" {
		kind = "application/octet-stream"
	}
	answer := map[string]string{"content_type": kind}
	if strings.HasPrefix(kind, "text/") && utf8.Valid(body) {
		answer["text"] = string(body)
	} else {
		answer["base64"] = base64.StdEncoding.EncodeToString(body)
	}
	text, _ := json.Marshal(answer) // strings always encode
	return text
}

// contentType is the type without its parameters, in lower case, empty where
// there is none. Malformed parameters are ignored.
func contentType(header http.Header) string {
	kind, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		kind, _, _ = strings.Cut(header.Get("Content-Type"), ";")
	}
	if kind = strings.ToLower(strings.TrimSpace(kind)); !strings.Contains(kind, "/") {
		return ""
	}
	return kind
}

func jsonType(kind string) bool {
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || kind == "text/json"
}

func contentTypeText(kind string) string {
	if kind == "" {
		return "no content type"
	}
	return kind
}

// excerpt is the beginning of an answer on one line.
func excerpt(body []byte) string {
	const maxLength = 120
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 4*maxLength)]), "?")), " ")
	if len(text) > maxLength {
		text = strings.ToValidUTF8(text[:maxLength], "") + "…"
	}
	return fmt.Sprintf("%q", text)
}
