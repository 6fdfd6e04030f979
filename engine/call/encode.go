package call

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"strconv"
	"strings"

	"github.com/tidwall/gjson"

	"github.com/tidewire/tidewire/bindings"
)

func (s *shape) encodeBody(w *wire, body *bindings.Body, values []located) error {
	switch body.Encoding {
	case bindings.Form:
		w.header.Set("Content-Type", "application/x-www-form-urlencoded")
		w.body = s.form(body.Wrap, values)
		return nil
	case bindings.Multipart:
		return s.multipart(w, values)
	}
	if len(values) == 0 && !body.Required {
		return nil
	}
	w.header.Set("Content-Type", "application/json")
	t, _ := s.resolve(&body.Type)
	switch t.Kind {
	case bindings.Object, bindings.Map, bindings.Any:
		w.body = s.object(values)
	default: // the whole body is one argument
		if len(values) == 0 {
			return fmt.Errorf("missing argument %q", "body")
		}
		w.body = s.appendValue(nil, values[0].value, &body.Type)
	}
	if body.Wrap != "" {
		w.body = append(append([]byte(`{`+quote(body.Wrap)+`:`), w.body...), '}')
	}
	return nil
}

func (s *shape) object(values []located) []byte {
	out := []byte{'{'}
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, quote(v.name)...), ':')
		out = s.appendValue(out, v.value, v.typ)
	}
	return append(out, '}')
}

// appendValue writes a value as its declared type has it on the wire: 64-bit
// integers as numbers, decimals as strings, integers without a point.
func (s *shape) appendValue(out []byte, v gjson.Result, declared *bindings.Type) []byte {
	t, definition := s.resolve(declared)
	switch {
	case t.Kind == bindings.Integer && v.Type == gjson.Number:
		return append(out, number(v)...)
	case t.Kind == bindings.Int64 && v.Type == gjson.Number:
		return append(out, number(v)...)
	case t.Kind == bindings.Int64 && v.Type == gjson.String && isInt64(v.Str):
		return append(out, v.Str...)
	case t.Kind == bindings.Decimal && v.Type == gjson.Number:
		return append(append(append(out, '"'), number(v)...), '"')
	case t.Kind == bindings.Union:
		for i := range t.Of {
			trial := checker{shape: s}
			if trial.value("", "", v, &t.Of[i]) {
				return s.appendValue(out, v, &t.Of[i])
			}
		}
	case t.Kind == bindings.List && v.IsArray():
		return s.each(out, v, '[', ']', func(string) *bindings.Type { return t.Items })
	case t.Kind == bindings.Map && v.IsObject():
		return s.each(out, v, '{', '}', func(string) *bindings.Type { return t.Items })
	case t.Kind == bindings.Object && definition != nil && v.IsObject():
		return s.each(out, v, '{', '}', func(name string) *bindings.Type {
			for i := range definition.Fields {
				if definition.Fields[i].Name == name {
					return &definition.Fields[i].Type
				}
			}
			return nil
		})
	}
	return append(out, v.Raw...)
}

func (s *shape) each(out []byte, v gjson.Result, open, end byte, typeOf func(name string) *bindings.Type) []byte {
	out = append(out, open)
	first := true
	v.ForEach(func(key, item gjson.Result) bool {
		if !first {
			out = append(out, ',')
		}
		first = false
		if open == '{' {
			out = append(append(out, key.Raw...), ':')
		}
		out = s.appendValue(out, item, typeOf(key.String()))
		return true
	})
	return append(out, end)
}

// form writes a form: lists whose names end with brackets once for each item,
// other lists and tables as JSON text.
func (s *shape) form(wrap string, values []located) []byte {
	var b strings.Builder
	for _, v := range values {
		if wrap != "" {
			v.name = wrap + "[" + v.name + "]"
		}
		if v.value.IsArray() && !strings.HasSuffix(v.name, "[]") {
			v.value = gjson.Result{Type: gjson.String, Str: v.value.Raw}
		}
		addQuery(&b, v)
	}
	return []byte(b.String())
}

// multipart writes files as parts with a file name and all else as fields.
func (s *shape) multipart(w *wire, values []located) error {
	var b bytes.Buffer
	parts := multipart.NewWriter(&b)
	digest := sha256.New()
	for _, v := range values {
		digest.Write([]byte(v.value.Raw))
	}
	// The same arguments make the same bytes.
	if err := parts.SetBoundary(hex.EncodeToString(digest.Sum(nil))); err != nil {
		return err
	}
	for _, v := range values {
		if err := s.part(parts, v); err != nil {
			return err
		}
	}
	if err := parts.Close(); err != nil {
		return err
	}
	w.header.Set("Content-Type", parts.FormDataContentType())
	w.body = b.Bytes()
	return nil
}

func (s *shape) part(parts *multipart.Writer, v located) error {
	t, definition := s.resolve(v.typ)
	if t.Kind == bindings.List && v.value.IsArray() || strings.HasSuffix(v.name, "[]") && v.value.IsArray() {
		if _, of := s.resolve(t.Items); of != nil && !strings.HasSuffix(v.name, "[]") {
			v.name += "[]"
		}
		for _, item := range v.value.Array() {
			if err := s.part(parts, located{v.place, v.name, t.Items, item}); err != nil {
				return err
			}
		}
		return nil
	}
	if definition != nil && v.value.IsObject() { // invoices[][file]
		return s.members(parts, v, definition)
	}
	switch {
	case v.value.Type == gjson.Null:
		return nil
	case t.Kind != bindings.File && !(v.value.IsObject() && isFile(v.value)):
		return parts.WriteField(v.name, plainText(v.value))
	}
	f := file{Name: v.name, ContentType: "application/octet-stream", Text: v.value.String()}
	if v.value.IsObject() {
		f.Text = ""
		if err := json.Unmarshal([]byte(v.value.Raw), &f); err != nil {
			return fmt.Errorf("argument %q: %w", v.name, err)
		}
	}
	content := []byte(f.Text)
	if f.Base64 != "" {
		var err error
		if content, err = base64.StdEncoding.DecodeString(f.Base64); err != nil {
			return fmt.Errorf("argument %q: its base64 does not decode", v.name)
		}
	}
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition(v.name, f.Name))
	header.Set("Content-Type", strings.Map(headerRune, f.ContentType))
	part, err := parts.CreatePart(header)
	if err == nil {
		_, err = part.Write(content)
	}
	return err
}

// members writes the members of a declared object, each as a part of its own.
func (s *shape) members(parts *multipart.Writer, v located, d *bindings.Definition) error {
	var err error
	v.value.ForEach(func(key, value gjson.Result) bool {
		member := located{v.place, v.name + "[" + key.String() + "]", nil, value}
		for i := range d.Fields {
			if d.Fields[i].Name == key.String() {
				member.typ = &d.Fields[i].Type
			}
		}
		err = s.part(parts, member)
		return err == nil
	})
	return err
}

// file is how a script gives a file that is more than its bytes.
type file struct {
	Name        string `json:"name"`
	ContentType string `json:"content_type"`
	Text        string `json:"text"`
	Base64      string `json:"base64"`
}

// isFile tells a file from another table: it holds text or base64, and
// nothing that a file does not have.
func isFile(v gjson.Result) bool {
	content, good := 0, true
	v.ForEach(func(key, value gjson.Result) bool {
		switch key.String() {
		case "text", "base64":
			content++
		case "name", "content_type":
		default:
			good = false
		}
		good = good && value.Type == gjson.String
		return good
	})
	return good && content == 1
}

func headerRune(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// number writes a whole number without point and exponent, and leaves others
// as they were given.
func number(v gjson.Result) string {
	if !strings.ContainsAny(v.Raw, ".eE") {
		return v.Raw
	}
	if whole(v.Num) && v.Num < 1<<53 && v.Num > -1<<53 {
		return strconv.FormatFloat(v.Num, 'f', 0, 64)
	}
	if strings.ContainsAny(v.Raw, "eE") && v.Num < 1e21 && v.Num > -1e21 {
		return strconv.FormatFloat(v.Num, 'f', -1, 64)
	}
	return v.Raw
}

func quote(text string) string {
	quoted, _ := json.Marshal(text) // strings always encode
	return string(quoted)
}
