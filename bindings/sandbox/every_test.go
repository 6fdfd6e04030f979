package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
)

// TestEveryOperation calls each operation of each app once with the least
// valid arguments. What it names is put there first, so every call must
// succeed, and its answer must be of the declared type.
func TestEveryOperation(t *testing.T) {
	for _, def := range all.Apps() {
		t.Run(def.Name, func(t *testing.T) {
			s := newSandbox(t, def, true)
			for _, name := range def.Operations() {
				op, _ := def.Operation(name)
				t.Run(name, func(t *testing.T) { callOnce(t, s, def, op) })
			}
		})
	}
}

// newSandbox makes a sandbox of one app whose clock stands still.
func newSandbox(t *testing.T, def *bindings.App, strict bool) *Sandbox {
	t.Helper()
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s, err := New(Config{Apps: []*bindings.App{def}, Seed: 7, Strict: strict, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func callOnce(t *testing.T, s *Sandbox, def *bindings.App, op *bindings.Operation) {
	s.Reset()
	a, now := s.apps[def.Name], s.now()
	m := maker{fitter{checkerOf(a, op), now}, op, subscriber(t, def, op, now)}
	request := m.request(t, a)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, request)
	answer := w.Body.Bytes()
	if w.Code < 200 || w.Code > 299 {
		t.Fatalf("%s %s: status %d: %s", request.Method, request.URL, w.Code, answer)
	}
	if def.Errors.OK != "" && !bytes.Contains(answer, []byte(`"ok":true`)) {
		t.Fatalf("%s %s: %s", request.Method, request.URL, answer)
	}
	if op.Status != 0 && w.Code != op.Status {
		t.Errorf("status %d, expected %d", w.Code, op.Status)
	}
	if len(op.AnswerHeaders) > 0 {
		for _, name := range op.AnswerHeaders {
			if w.Header().Get(name) == "" {
				t.Errorf("the answer has no header %s", name)
			}
		}
		return
	}
	if op.Answer == nil {
		if w.Code != http.StatusNoContent && w.Header().Get(noteHeader) == "" {
			t.Errorf("answer is not described, and %s does not say so: %s", noteHeader, answer)
		}
		return
	}
	v, err := Decode(answer)
	if err != nil {
		t.Fatalf("answer is not JSON: %s", answer)
	}
	for _, p := range checkerOf(a, op).check(op.Answer, v, "answer") {
		t.Errorf("%s in %s", p, answer)
	}
	if s.Calls(def.Name, op.Name) != 1 {
		t.Errorf("calls of %s: %d, expected 1", op.Name, s.Calls(def.Name, op.Name))
	}
}

// maker makes valid requests.
type maker struct {
	fitter
	op *bindings.Operation
	// addressed are arguments that take an address which confirms itself.
	addressed Object
}

// subscriber gives the arguments of an operation that take an address for
// webhooks, with one of a subscriber who confirms it in any vendor's way.
func subscriber(t *testing.T, def *bindings.App, op *bindings.Operation, now time.Time) Object {
	args := Object{}
	for _, s := range def.Subscriptions {
		if s.Create.Operation != op.Name {
			continue
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			if c := def.Webhook.Confirm; c != nil && c.Header != "" {
				w.Header().Set(c.Header, r.Header.Get(c.Header))
			} else if c != nil {
				io.WriteString(w, r.URL.Query().Get(c.Query))
			}
		}))
		t.Cleanup(server.Close)
		for name, arg := range s.Create.Args {
			switch arg {
			case "{url}":
				args[name] = server.URL
			case "{expires}":
				args[name] = Stamp(now.Add(time.Hour))
			}
		}
	}
	return args
}

// given are values that have to fit the sandbox's first records.
var given = map[string]map[string]any{
	"slack":     slackGiven,
	"highlevel": {"contactId": "there", "conversationId": "there", "contacts": []any{"there"}, "ids": []any{"there"}, "callback_url": "http://127.0.0.1:9/"},
}

var (
	onADay  = Object{"date": "2026-03-05"}
	toWatch = Object{"id": "text", "type": "web_hook", "address": "http://127.0.0.1:9/"}
)

// needed are the fields of bodies that types cannot require.
var needed = map[string]Object{
	"POST /calendars/{calendarId}/events":          {"start": onADay, "end": onADay},
	"PUT /calendars/{calendarId}/events/{eventId}": {"start": onADay, "end": onADay},
	"POST /calendars/{calendarId}/acl":             {"scope": Object{"type": "default"}},
	"POST /calendars/{calendarId}/events/watch":    toWatch,
	"POST /calendars/{calendarId}/acl/watch":       toWatch,
	"POST /users/me/calendarList/watch":            toWatch,
	"POST /users/me/settings/watch":                toWatch,
	"POST /tasks":                                  {"workspace": asanaWorkspace},
	"POST /projects":                               {"workspace": asanaWorkspace},
}

// neededQuery are parameters without which a vendor refuses the first call.
var neededQuery = map[string]Object{
	"GET /events":                            {"sync": asanaToken(1, 0)},
	"GET /workspaces/{workspace_gid}/events": {"sync": asanaToken(1, 0)},
}

// seed puts there what the operation names, and gives the arguments of its path.
func (m maker) seed(a *App) map[string]string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.make(a.model.resource("contacts"), "there", Object{"email": "there@example.com"}, nil, nil)
	a.make(a.model.resource("conversations"), "there", Object{"contactId": "there"}, nil, nil)
	if a.Def.Name == "googlecalendar" {
		a.make(a.model.resource("calendars"), "text", Object{"summary": "text"}, nil, nil)
	}
	if a.Def.Name == "asana" {
		for _, name := range []string{"enum_options", "tasks"} {
			a.make(a.model.resource(name), "text", Object{"name": "text"}, nil, nil)
		}
	}
	if m.op.Path == "/channels/stop" {
		a.make(a.model.resource("channels"), "text", Object{"resourceId": "text"}, nil, nil)
	}
	if a.Def.Name == "teams" {
		a.make(a.model.resource(chatMessages), "text", Object{}, nil, nil)
	}
	if a.Def.Name == "slack" {
		m.seedSlack(a)
	}
	params, links := map[string]string{}, map[string]string{}
	p := m.plan(a)
	if p.verb == ClearAll {
		a.make(p.resource, "text", Object{}, nil, nil)
	}
	for i := range m.op.PathParams {
		f := &m.op.PathParams[i]
		v := Text(m.value(&f.Type, f.Name, 0))
		params[f.Name] = v
		for _, l := range p.links {
			if l.param == f.Name {
				links[l.name] = v
				if l.parent != nil && a.store.get(l.parent.name, v) == nil {
					a.make(l.parent, v, Object{}, links, nil)
				}
			}
		}
		if p.id == f.Name && p.verb != Put && a.store.get(p.resource.name, v) == nil {
			a.make(p.resource, v, Object{"callback_url": "http://127.0.0.1:9/"}, links, nil)
		}
	}
	return params
}

func (m maker) plan(a *App) *plan {
	for _, p := range a.model.plans {
		if p.op == m.op {
			return p
		}
	}
	return nil
}

func (m maker) request(t *testing.T, a *App) *http.Request {
	path := m.op.Path
	for name, v := range m.seed(a) {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(v))
	}
	query := url.Values{}
	for i := range m.op.Query {
		f := &m.op.Query[i]
		if !f.Required {
			continue
		}
		v := m.value(&f.Type, f.Name, 0)
		if list, ok := v.([]any); ok {
			for _, e := range list {
				query.Add(f.Name, Text(e))
			}
			continue
		}
		query.Set(f.Name, Text(v))
	}
	if m.op.Address != "" {
		query.Set("sig", Token)
	}
	for name, v := range neededQuery[m.op.Method+" "+m.op.Path] {
		query.Set(name, Text(v))
	}
	body, kind := m.body(t, a)
	target := "/" + a.Def.Name + path
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
	r.Header.Set("Authorization", "Bearer "+Token)
	if strings.HasSuffix(m.op.Path, "/oauth/token") {
		form := url.Values{}
		_, d := m.catalogue.Resolve(&m.op.Body.Type)
		for name, v := range map[string]string{"client_id": ClientID, "client_secret": ClientSecret, "grant_type": "refresh_token", "refresh_token": RefreshToken} {
			form.Set(spelledLike(d, name, Object{}).Name, v)
		}
		r.Body = io.NopCloser(strings.NewReader(form.Encode()))
	}
	return r
}

func (m maker) body(t *testing.T, a *App) (io.Reader, string) {
	if m.op.Body == nil {
		return http.NoBody, ""
	}
	v := m.bodyValue()
	fields, _ := v.(Object)
	switch m.op.Body.Encoding {
	case bindings.Form:
		form := url.Values{}
		for name, v := range fields {
			form.Set(name, Text(v))
		}
		return strings.NewReader(form.Encode()), "application/x-www-form-urlencoded"
	case bindings.Multipart:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for name, v := range fields {
			if v == "a file" {
				part, _ := w.CreateFormFile(name, "file.txt")
				fmt.Fprint(part, "content")
				continue
			}
			_ = w.WriteField(name, Text(v))
		}
		_ = w.Close()
		return &b, w.FormDataContentType()
	}
	if m.op.Body.Wrap != "" {
		v = Object{m.op.Body.Wrap: v}
	}
	return bytes.NewReader(Encode(v)), "application/json"
}

// bodyValue makes the fields of a body, with those that one of several needs.
func (m maker) bodyValue() any {
	v := m.value(&m.op.Body.Type, "", 0)
	fields, _ := v.(Object)
	_, d := m.catalogue.Resolve(&m.op.Body.Type)
	if fields != nil && (strings.HasSuffix(m.op.Path, "/messages") || strings.HasSuffix(m.op.Path, "/replies")) && fieldOf(d, "hostedContents") != nil {
		fields["body"] = Object{"content": "hello"}
	}
	for name, more := range slackMore[m.op.Path] {
		fields[name] = more
	}
	for name, address := range m.addressed {
		fields[name] = address
	}
	for name, v := range needed[m.op.Method+" "+m.op.Path] {
		fields[name] = v
	}
	return v
}

// value makes a value with all that is required.
func (m maker) value(t *bindings.Type, name string, depth int) any {
	resolved, d := m.catalogue.Resolve(t)
	if v, found := given[m.app()][name]; found && len(m.check(t, v, "")) == 0 && resolved.Kind != bindings.Object {
		return v
	}
	switch resolved.Kind {
	case bindings.String:
		return "text"
	case bindings.File:
		return "a file"
	case bindings.Number, bindings.Integer, bindings.Int64, bindings.Decimal:
		return json.Number("1")
	case bindings.List:
		if depth > 4 {
			return []any{}
		}
		return []any{m.value(resolved.Items, name, depth+1)}
	case bindings.Union:
		return m.value(&resolved.Of[0], name, depth+1)
	case bindings.Object:
		out := Object{}
		if d != nil {
			for i := range d.Fields {
				if f := &d.Fields[i]; f.Required && depth < 6 {
					out[f.Name] = m.value(&f.Type, f.Name, depth+1)
				}
			}
		}
		return out
	}
	return m.least(&resolved, 0)
}

// app tells whose given values hold.
func (m maker) app() string {
	if strings.Count(m.op.Path, "/") == 1 && strings.Contains(m.op.Path, ".") {
		return "slack"
	}
	return "highlevel"
}

// checkerOf holds values against the types that an operation refers to.
func checkerOf(a *App, op *bindings.Operation) checker {
	return checker{a.Def.CatalogueOf(op), false}
}
