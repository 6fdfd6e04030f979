package sandbox

import (
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/url"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// fromForm reads the texts of a form by the fields of its type.
func fromForm(c checker, t *bindings.Type, body any) any {
	_, d := c.catalogue.Resolve(t)
	given, ok := body.(Object)
	if d == nil || !ok {
		return body
	}
	for name, v := range given {
		f := fieldOf(d, name)
		if f == nil {
			f = fieldOf(d, strings.TrimSuffix(name, "[]"))
		}
		if f == nil {
			continue
		}
		switch v := v.(type) {
		case string:
			given[name] = fromText(c, f.Type, []string{v})
		case []any:
			texts := make([]string, 0, len(v))
			for _, e := range v {
				if s, isText := e.(string); isText {
					texts = append(texts, s)
				}
			}
			if len(texts) < len(v) {
				continue // objects or files
			}
			delete(given, name)
			given[f.Name] = fromText(c, f.Type, texts)
		}
	}
	return given
}

// decodeBody reads the body by its Content-Type.
func (r *Call) decodeBody() (any, *Failure) {
	if len(r.raw) == 0 {
		return nil, nil
	}
	kind, params, err := mime.ParseMediaType(r.HTTP.Header.Get("Content-Type"))
	if err != nil {
		kind = "application/json"
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		values, err := url.ParseQuery(string(r.raw))
		if err != nil {
			return nil, r.App.unreadable("the form cannot be read")
		}
		return formObject(values), nil
	case "multipart/form-data":
		return r.decodeMultipart(params["boundary"])
	}
	v, err := Decode(r.raw)
	if err != nil {
		return nil, r.App.unreadable("the body is not valid JSON")
	}
	return v, nil
}

func formObject(values url.Values) Object {
	form := form{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		for _, v := range values[name] {
			form.add(name, v)
		}
	}
	return form.object()
}

// form collects the values of a form, which may repeat a name.
type form map[string][]any

func (f form) add(name string, v any) { f[name] = append(f[name], v) }

// object returns the form as an object: "a[]" is a list, "a[b]" an object in it,
// and "a[][b]" an object in a list, the first of each name in the first one.
func (f form) object() Object {
	out := Object{}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		values := f[name]
		outer, inner, nested := strings.Cut(strings.TrimSuffix(name, "]"), "[")
		list, key, ofList := strings.Cut(name, "[][")
		switch {
		case ofList:
			all, _ := out[list].([]any)
			for i, v := range values {
				if i >= len(all) {
					all = append(all, Object{})
				}
				if at, isObject := all[i].(Object); isObject {
					at[strings.TrimSuffix(key, "]")] = v
				}
			}
			out[list] = all
		case strings.HasSuffix(name, "[]"), len(values) > 1:
			out[strings.TrimSuffix(name, "[]")] = values
		case nested && strings.HasSuffix(name, "]"):
			at, isObject := out[outer].(Object)
			if !isObject {
				at = Object{}
			}
			at[inner] = values[0]
			out[outer] = at
		default:
			out[name] = values[0]
		}
	}
	return out
}

// decodeMultipart reads name, type and size of a file, without its content.
func (r *Call) decodeMultipart(boundary string) (any, *Failure) {
	parts := multipart.NewReader(strings.NewReader(string(r.raw)), boundary)
	out := form{}
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return out.object(), nil
		}
		if err != nil {
			return nil, r.App.unreadable("the multipart body cannot be read")
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, r.App.unreadable("the multipart body cannot be read")
		}
		if part.FileName() == "" {
			out.add(part.FormName(), string(content))
			continue
		}
		out.add(part.FormName(), Object{
			"file_name":         part.FileName(),
			"file_content_type": part.Header.Get("Content-Type"),
			"file_size":         Number(int64(len(content))),
		})
	}
}
