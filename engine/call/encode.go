package call

import (
	"bytes"
	"cmp"
	"crypto/sha256"
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
	case bindings.Binary:
		return binary(w, body, values)
	}
	if len(values) == 0 && !body.Required {
		return nil
	}
	w.header.Set("Content-Type", contentJSON)
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

// contentJSON is the type of bodies that are JSON.
const contentJSON = "application/json"

// setJSONType writes the type of a JSON body as the vendor of an app expects it.
func (w *wire) setJSONType(app *bindings.App) {
	if app.JSONType != "" && w.header.Get("Content-Type") == contentJSON {
		w.header.Set("Content-Type", app.JSONType)
	}
}

// binary sends a file, or a text, as it is.
func binary(w *wire, body *bindings.Body, values []located) error {
	if len(values) == 0 {
		if body.Required {
			return fmt.Errorf("missing argument %q", "body")
		}
		return nil
	}
	v := values[0].value
	c := content{Text: v.String()}
	if v.IsObject() {
		c.Text = ""
		if err := json.Unmarshal([]byte(v.Raw), &c); err != nil {
			return fmt.Errorf("argument %q: %w", "body", err)
		}
	}
	return w.setFile(c)
}

// setFile makes a file the whole body.
func (w *wire) setFile(c content) (err error) {
	w.header.Set("Content-Type", strings.Map(dropControl, cmp.Or(c.ContentType, "application/octet-stream")))
	if c.stored() {
		w.stream = stream{{hash: c.hash()}}
		return nil
	}
	if w.body, err = c.bytes(); err != nil {
		return fmt.Errorf("argument %q: %w", "body", err)
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

// appendValue writes a value in the form of its declared type: 64-bit integers
// as numbers, decimals as strings, integers without a point.
func (s *shape) appendValue(out []byte, v gjson.Result, declared *bindings.Type) []byte {
	t, definition := s.resolve(declared)
	switch {
	case (t.Kind == bindings.Integer || t.Kind == bindings.Int64) && v.Type == gjson.Number:
		return append(out, number(v)...)
	case (t.Kind == bindings.Integer || t.Kind == bindings.Int64) && v.Type == gjson.String && isJSONInteger(v.Str),
		t.Kind == bindings.Number && v.Type == gjson.String && isJSONNumber(v.Str):
		return append(out, v.Str...)
	case t.Kind == bindings.Decimal && v.Type == gjson.Number:
		return append(append(append(out, '"'), number(v)...), '"')
	case t.Kind == bindings.Union:
		if member := s.member(v, &t, false); member != nil {
			return s.appendValue(out, v, member)
		}
	case t.Kind == bindings.List && v.IsArray():
		return s.each(out, v, '[', ']', func(string) (string, *bindings.Type) { return "", t.Items })
	case t.Kind == bindings.Map && v.IsObject():
		return s.each(out, v, '{', '}', func(name string) (string, *bindings.Type) { return name, t.Items })
	case t.Kind == bindings.Object && definition != nil && v.IsObject():
		return s.fields(out, v, definition)
	}
	return append(out, v.Raw...)
}

// fields writes an object whose type declares fields.
func (s *shape) fields(out []byte, v gjson.Result, d *bindings.Definition) []byte {
	return s.each(out, v, '{', '}', func(name string) (string, *bindings.Type) {
		if f := d.Field(name); f != nil {
			return f.Name, &f.Type
		}
		return name, nil
	})
}

// each writes the items of a list, or the fields of an object, each under the name and
// in the form of the type that fieldOf returns for its name.
func (s *shape) each(out []byte, v gjson.Result, open, end byte, fieldOf func(name string) (string, *bindings.Type)) []byte {
	out = append(out, open)
	first := true
	v.ForEach(func(key, item gjson.Result) bool {
		if !first {
			out = append(out, ',')
		}
		first = false
		name, t := fieldOf(key.String())
		switch {
		case open != '{':
		case name == key.String():
			out = append(append(out, key.Raw...), ':')
		default:
			out = append(append(out, quote(name)...), ':')
		}
		out = s.appendValue(out, item, t)
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
	digest := sha256.New()
	for _, v := range values {
		digest.Write([]byte(v.value.Raw))
	}
	// The same arguments make the same bytes.
	form := &form{}
	form.parts = multipart.NewWriter(&form.buffer)
	if err := form.parts.SetBoundary(hex.EncodeToString(digest.Sum(nil))); err != nil {
		return err
	}
	for _, v := range values {
		if err := s.part(form, v); err != nil {
			return err
		}
	}
	return form.end(w)
}

// form is a multipart body that is being written: the buffer has what follows
// the last stored file.
type form struct {
	buffer bytes.Buffer
	parts  *multipart.Writer
	stream stream
}

// file writes a part with a file name.
func (f *form) file(name string, c content) error {
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition(name, cmp.Or(c.Name, name)))
	header.Set("Content-Type", strings.Map(dropControl, cmp.Or(c.ContentType, "application/octet-stream")))
	part, err := f.parts.CreatePart(header)
	if err != nil {
		return err
	}
	if c.stored() {
		f.stream = append(f.stream, piece{data: bytes.Clone(f.buffer.Bytes())}, piece{hash: c.hash()})
		f.buffer.Reset()
		return nil
	}
	text, err := c.bytes()
	if err != nil {
		return fmt.Errorf("argument %q: %w", name, err)
	}
	_, err = part.Write(text)
	return err
}

// end makes the body from what was written.
func (f *form) end(w *wire) error {
	if err := f.parts.Close(); err != nil {
		return err
	}
	w.header.Set("Content-Type", f.parts.FormDataContentType())
	if f.stream == nil {
		w.body = f.buffer.Bytes()
		return nil
	}
	w.stream = append(f.stream, piece{data: f.buffer.Bytes()})
	return nil
}

func (s *shape) part(form *form, v located) error {
	t, definition := s.resolve(v.typ)
	if t.Kind == bindings.List && v.value.IsArray() || strings.HasSuffix(v.name, "[]") && v.value.IsArray() {
		if _, of := s.resolve(t.Items); of != nil && !strings.HasSuffix(v.name, "[]") {
			v.name += "[]"
		}
		for _, item := range v.value.Array() {
			if err := s.part(form, located{v.place, v.name, t.Items, item}); err != nil {
				return err
			}
		}
		return nil
	}
	if definition != nil && v.value.IsObject() { // invoices[][file]
		return s.members(form, v, definition)
	}
	switch {
	case v.value.Type == gjson.Null:
		return nil
	case t.Kind != bindings.File && !(v.value.IsObject() && isFile(v.value)):
		return form.parts.WriteField(v.name, plainText(v.value))
	}
	c := content{Name: v.name, Text: v.value.String()}
	if v.value.IsObject() {
		c.Text = ""
		if err := json.Unmarshal([]byte(v.value.Raw), &c); err != nil {
			return fmt.Errorf("argument %q: %w", v.name, err)
		}
	}
	return form.file(v.name, c)
}

// members writes the members of a declared object, each as a part of its own.
func (s *shape) members(form *form, v located, d *bindings.Definition) error {
	var err error
	v.value.ForEach(func(key, value gjson.Result) bool {
		member := located{v.place, v.name + "[" + key.String() + "]", nil, value}
		for i := range d.Fields {
			if d.Fields[i].Name == key.String() {
				member.typ = &d.Fields[i].Type
			}
		}
		err = s.part(form, member)
		return err == nil
	})
	return err
}

func dropControl(r rune) rune {
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
	if isWhole(v.Num) && v.Num < 1<<53 && v.Num > -1<<53 {
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
