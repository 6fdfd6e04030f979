package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

// sample is a valid call of one operation.
type sample struct {
	app *sandbox.App
	op  *bindings.Operation
	// subscriber are arguments with the address of a receiver of webhooks.
	subscriber sandbox.Object
}

// newSample resets the app and returns a sample of one of its operations.
func newSample(t *testing.T, s *sandbox.Sandbox, app string, op *bindings.Operation) sample {
	m := sample{app: s.ResetApp(app), op: op}
	m.subscriber = subscriberOf(t, m.app, op)
	return m
}

// subscriberOf returns the arguments of an operation that have an address for
// webhooks, with that of a receiver.
func subscriberOf(t *testing.T, app *sandbox.App, op *bindings.Operation) sandbox.Object {
	args := sandbox.Object{}
	for _, s := range app.Def.Subscriptions {
		if s.Create.Operation != op.Name {
			continue
		}
		receiver := sandboxtest.Receive(t)
		for name, arg := range s.Create.Args {
			switch arg {
			case "{url}":
				args[name] = receiver.URL
			case "{expires}":
				args[name] = sandbox.FormatTime(app.Time().Add(time.Hour))
			}
		}
	}
	return args
}

func (m sample) line() string { return m.op.Method + " " + m.op.Path }

func (m sample) plan() sandbox.Planned {
	for _, p := range m.app.Plans() {
		if p.Operation == m.op {
			return p
		}
	}
	return sandbox.Planned{}
}

// prepare stores the records that the operation names, and returns the arguments
// of its path.
func (m sample) prepare() map[string]string {
	params := map[string]string{}
	m.app.With(func() {
		if prepare := m.app.Rules().Sample.Prepare; prepare != nil {
			prepare(m.app, m.op)
		}
		p, links := m.plan(), map[string]string{}
		if p.Verb == sandbox.ClearAll {
			m.app.Make(p.Resource, "text", nil, nil)
		}
		for i := range m.op.PathParams {
			f := &m.op.PathParams[i]
			v := sandbox.Text(m.value(&f.Type, f.Name, 0))
			params[f.Name] = v
			for _, l := range p.Links {
				if l.Param == f.Name {
					links[l.Name] = v
					if l.Parent != "" && m.app.Get(l.Parent, v) == nil {
						m.app.Make(l.Parent, v, nil, links)
					}
				}
			}
			if p.ID == f.Name && p.Verb != sandbox.Put && m.app.Get(p.Resource, v) == nil {
				m.app.Make(p.Resource, v, sandbox.Object{"callback_url": "http://127.0.0.1:9/"}, links)
			}
		}
	})
	return params
}

// fill leaves eight records in the list that the operation returns.
func (m sample) fill() {
	m.app.With(func() {
		if fill := m.app.Rules().Sample.Fill; fill != nil && fill(m.app, m.op, 8) {
			return
		}
		p, links := m.plan(), map[string]string{}
		m.app.Empty(p.Resource)
		for _, l := range p.Links {
			for i := range m.op.PathParams {
				if f := &m.op.PathParams[i]; f.Name == l.Param {
					links[l.Name] = sandbox.Text(m.value(&f.Type, f.Name, 0))
					if l.IDsChecked && m.app.Get(l.Parent, links[l.Name]) == nil {
						m.app.Make(l.Parent, links[l.Name], nil, nil) // a subtask is under a task
					}
				}
			}
		}
		fields := sandbox.Object{}
		required := m.op.Query
		if m.op.Body != nil {
			if _, d := m.catalogue().Resolve(&m.op.Body.Type); d != nil {
				required = append(required[:len(required):len(required)], d.Fields...)
			}
		}
		for i := range required {
			if f := &required[i]; f.Required && f.Name != m.op.Pages.SizeParam {
				fields[f.Name] = m.value(&f.Type, f.Name, 0)
			}
		}
		for i := range 8 {
			id := fmt.Sprintf("%d.000000", i+1)
			fields["name"], fields["text"] = id, id
			m.app.Make(p.Resource, id, fields, links)
		}
	})
}

// request is the HTTP request of the call.
func (m sample) request() *http.Request {
	path := m.op.Path
	for name, v := range m.prepare() {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(v))
	}
	query := url.Values{}
	for name, v := range m.query() {
		list, isList := v.([]any)
		if !isList {
			list = []any{v}
		}
		for _, e := range list {
			query.Add(name, sandbox.Text(e))
		}
	}
	if m.op.Address != "" {
		query.Set("sig", sandbox.Token)
	}
	body, kind := m.body()
	target := "/" + m.app.Def.Name + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	r := httptest.NewRequest(m.op.Method, target, body)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, v := range m.op.Fixed {
		r.Header.Set(name, v)
	}
	r.Header.Set("Authorization", "Bearer "+sandbox.Token)
	if strings.HasSuffix(m.op.Path, "/oauth/token") {
		form := url.Values{}
		_, d := m.catalogue().Resolve(&m.op.Body.Type)
		for name, v := range map[string]string{
			"client_id": sandbox.ClientID, "client_secret": sandbox.ClientSecret, "grant_type": "refresh_token", "refresh_token": sandbox.RefreshToken,
		} {
			form.Set(sandbox.SpelledLike(d, name), v)
		}
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
	}
	return r
}

func (m sample) query() sandbox.Object {
	args := sandbox.Object{}
	for i := range m.op.Query {
		if f := &m.op.Query[i]; f.Required {
			args[f.Name] = m.value(&f.Type, f.Name, 0)
		}
	}
	maps.Copy(args, m.app.Rules().Sample.Query[m.line()])
	return args
}

func (m sample) body() (io.Reader, string) {
	if m.op.Body == nil {
		return http.NoBody, ""
	}
	v := m.bodyValue()
	fields, _ := v.(sandbox.Object)
	switch m.op.Body.Encoding {
	case bindings.Form:
		return strings.NewReader(formOf(fields)), "application/x-www-form-urlencoded"
	case bindings.Multipart:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, v := range fields {
			if v == "a file" {
				part, _ := w.CreateFormFile(name, "file.txt")
				fmt.Fprint(part, "content")
				continue
			}
			_ = w.WriteField(name, sandbox.Text(v))
		}
		_ = w.Close()
		return &b, w.FormDataContentType()
	}
	if m.op.Body.Wrap != "" {
		v = sandbox.Object{m.op.Body.Wrap: v}
	}
	return bytes.NewReader(sandbox.Encode(v)), "application/json"
}

func formOf(fields sandbox.Object) string {
	form := url.Values{}
	for name, v := range fields {
		form.Set(name, sandbox.Text(v))
	}
	return form.Encode()
}

// bodyValue returns the fields of a body, with those that the app's sample adds.
func (m sample) bodyValue() any {
	v := m.value(&m.op.Body.Type, "", 0)
	if fields, isObject := v.(sandbox.Object); isObject {
		maps.Copy(fields, m.subscriber)
		maps.Copy(fields, m.app.Rules().Sample.Body[m.line()])
	}
	return v
}

// value returns a value with all required fields.
func (m sample) value(t *bindings.Type, name string, depth int) any {
	resolved, d := m.catalogue().Resolve(t)
	if v, found := m.app.Rules().Sample.Args[name]; found && len(sandbox.Check(m.catalogue(), t, v)) == 0 && resolved.Kind != bindings.Object {
		return v
	}
	switch resolved.Kind {
	case bindings.String:
		return "text"
	case bindings.File:
		return "a file"
	case bindings.Number, bindings.Integer, bindings.Int64, bindings.Decimal:
		return json.Number("1")
	case bindings.Boolean:
		return false
	case bindings.Enum:
		v, _ := sandbox.Decode([]byte(resolved.Values[0]))
		return v
	case bindings.List:
		if depth > 4 {
			return []any{}
		}
		return []any{m.value(resolved.Items, name, depth+1)}
	case bindings.Union:
		return m.value(&resolved.OneOf[0], name, depth+1)
	}
	out := sandbox.Object{}
	if d != nil {
		for i := range d.Fields {
			if f := &d.Fields[i]; f.Required && depth < 6 {
				out[f.Name] = m.value(&f.Type, f.Name, depth+1)
			}
		}
	}
	return out
}

// catalogue is the catalogue of the operation.
func (m sample) catalogue() *bindings.Catalogue { return m.app.Def.CatalogueOf(m.op) }
