package call_test

import (
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// arrived is a request with its body parsed, by the names in it.
type arrived struct {
	*http.Request
	names  []string                   // of the body's fields, in brackets too
	fields map[string]json.RawMessage // of a JSON object
	list   json.RawMessage            // of a JSON body that is no object
}

// arrive parses the body by its content type.
func arrive(t *testing.T, r *http.Request) *arrived {
	t.Helper()
	a := &arrived{Request: r}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Error(err)
	}
	if len(text) == 0 {
		return a
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		t.Errorf("%s: content type: %v", r.RequestURI, err)
	}
	switch kind {
	case "application/json":
		if json.Unmarshal(text, &a.fields) != nil {
			a.list = text
		}
		for name := range a.fields {
			a.names = append(a.names, name)
		}
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(text))
		if err != nil {
			t.Error(err)
		}
		for name := range form {
			a.names = append(a.names, name)
		}
	case "multipart/form-data":
		parts := multipart.NewReader(strings.NewReader(string(text)), params["boundary"])
		for {
			part, err := parts.NextPart()
			if err != nil {
				break
			}
			a.names = append(a.names, part.FormName())
		}
	default:
		t.Errorf("%s: unexpected content type %s", r.RequestURI, kind)
	}
	return a
}

// compare returns what of an operation's arguments is not in its place.
func (s sample) compare(app *bindings.App, op *bindings.Operation, values map[string]any, got *arrived) (wrong []string) {
	path := op.Path
	for _, f := range op.PathParams {
		path = strings.ReplaceAll(path, "{"+f.Name+"}", url.PathEscape(plain(values[f.Name])))
	}
	if got.Method != op.Method || got.URL.EscapedPath() != path {
		wrong = append(wrong, fmt.Sprintf("expected %s %s", op.Method, path))
	}
	query := got.URL.Query()
	for _, f := range op.Query {
		if !hasKey(query, f.Name) {
			wrong = append(wrong, fmt.Sprintf("the query has no %q", f.Name))
		} else if v, is := values[f.Name].(string); is && query.Get(f.Name) != v {
			wrong = append(wrong, fmt.Sprintf("%s is %q in the query", f.Name, query.Get(f.Name)))
		}
	}
	for _, f := range op.Header {
		if v, is := values[f.Name].(string); is && got.Header.Get(f.Name) != v && !strings.EqualFold(f.Name, app.KeyHeader) {
			wrong = append(wrong, fmt.Sprintf("header %s is %q", f.Name, got.Header.Get(f.Name)))
		}
	}
	for name, v := range op.Fixed {
		if got.Header.Get(name) != v {
			wrong = append(wrong, fmt.Sprintf("header %s is %q, expected %q", name, got.Header.Get(name), v))
		}
	}
	return append(wrong, s.compareBody(op, values, got)...)
}

var contentTypes = map[bindings.Encoding]string{
	bindings.JSON: "application/json", bindings.Form: "application/x-www-form-urlencoded", bindings.Multipart: "multipart/form-data",
}

func (s sample) compareBody(op *bindings.Operation, values map[string]any, got *arrived) (wrong []string) {
	kind := got.Header.Get("Content-Type")
	if op.Body == nil {
		if kind != "" || got.names != nil || got.list != nil {
			wrong = append(wrong, "a body, and none is declared")
		}
		return wrong
	}
	_, d := s.Resolve(&op.Body.Type)
	if want := contentTypes[op.Body.Encoding]; !strings.HasPrefix(kind, want) && (d == nil || len(d.Fields) > 0) {
		wrong = append(wrong, fmt.Sprintf("content type %q, expected %s", kind, want))
	}
	if d == nil {
		return wrong
	}
	fields := got.fields
	if op.Body.Wrap != "" {
		if err := json.Unmarshal(fields[op.Body.Wrap], &fields); err != nil {
			return append(wrong, fmt.Sprintf("the body has no object %q", op.Body.Wrap))
		}
		got.names = nil
		for name := range fields {
			got.names = append(got.names, name)
		}
	}
	for _, f := range d.Fields {
		if !slices.ContainsFunc(got.names, func(name string) bool { return name == f.Name || strings.HasPrefix(name, f.Name+"[") }) {
			wrong = append(wrong, fmt.Sprintf("the body has no %q", f.Name))
			continue
		}
		var text string
		if v, is := values[f.Name].(string); is && op.Body.Encoding == bindings.JSON && json.Unmarshal(fields[f.Name], &text) == nil && text != v {
			wrong = append(wrong, fmt.Sprintf("%s is %q in the body", f.Name, text))
		}
	}
	return wrong
}

// hasKey finds a parameter, as it is or with brackets behind it.
func hasKey(query url.Values, name string) bool {
	for given := range query {
		if given == name || strings.HasPrefix(given, name+"[") {
			return true
		}
	}
	return false
}

// plain is a value as a segment of a path.
func plain(v any) string {
	switch v := v.(type) {
	case json.RawMessage:
		return strings.Trim(string(v), `"`)
	case []any, map[string]any:
		text, _ := json.Marshal(v)
		return string(text)
	}
	return fmt.Sprint(v)
}
