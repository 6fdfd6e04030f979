package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
)

// TestEveryWalk walks every list that the catalogues say can be walked, three
// items at a time, and must meet each of eight records once.
func TestEveryWalk(t *testing.T) {
	for _, def := range all.Apps() {
		s := newSandbox(t, def, false)
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			if p := op.Pages; p != nil && p.SizeParam != "" && (len(p.Cursors) > 0 || p.Page != "" || p.Offset != "" || p.URL != "") {
				t.Run(def.Name+"."+name, func(t *testing.T) { walk(t, s, def, op) })
			}
		}
	}
}

func walk(t *testing.T, s *Sandbox, def *bindings.App, op *bindings.Operation) {
	s.Reset()
	a, now := s.apps[def.Name], s.now()
	m := maker{fitter{checkerOf(a, op), now}, op, nil}
	first := m.request(t, a)
	m.fill(a, m.plan(a))
	w := walker{t: t, s: s, op: op, first: first}
	if got := w.all(); got != 8 {
		t.Errorf("met %d records, expected 8", got)
	}
}

// fill leaves eight records in the list that the operation gives.
func (m maker) fill(a *App, p *plan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if m.op.Path == "/conversations.members" {
		a.store.get("channels", "C0SALES0001").Fields["members"] = []any{"1", "2", "3", "4", "5", "6", "7", "8"}
		return
	}
	if p.resource.name != "messages" {
		a.store.collections[p.resource.name] = nil
	}
	links := map[string]string{}
	for _, l := range p.links {
		for i := range m.op.PathParams {
			if f := &m.op.PathParams[i]; f.Name == l.param {
				links[l.name] = Text(m.value(&f.Type, f.Name, 0))
				if l.parent != nil && l.parent.known && a.store.get(l.parent.name, links[l.name]) == nil {
					a.make(l.parent, links[l.name], Object{}, nil, nil) // a subtask hangs under a task
				}
			}
		}
	}
	fields := Object{}
	for i := range m.op.Query {
		if f := &m.op.Query[i]; f.Required && f.Name != m.op.Pages.SizeParam {
			fields[f.Name] = m.value(&f.Type, f.Name, 0)
		}
	}
	if m.op.Body != nil {
		_, d := m.catalogue.Resolve(&m.op.Body.Type)
		for i := 0; d != nil && i < len(d.Fields); i++ {
			if f := &d.Fields[i]; f.Required && f.Name != m.op.Pages.SizeParam {
				fields[f.Name] = m.value(&f.Type, f.Name, 0)
			}
		}
	}
	first := 0
	if p.resource.name == "messages" { // one is there
		first, links["channel"] = 1, "C0SALES0001"
		if m.op.Path == "/conversations.replies" {
			fields["thread_ts"] = "1.000000"
		}
	}
	for i := first; i < 8; i++ {
		id := fmt.Sprintf("%d.000000", i+1)
		fields["name"], fields["text"] = id, id
		a.make(p.resource, id, fields, links, nil)
	}
}

// walker follows Pages as its documentation says, independently of the sandbox.
type walker struct {
	t     *testing.T
	s     *Sandbox
	op    *bindings.Operation
	first *http.Request
	next  string // the whole address of the next page
}

func (w *walker) all() int {
	pages, seen, args := w.op.Pages, map[string]bool{}, map[string]any{w.op.Pages.SizeParam: Number(3)}
	for page := 1; page < 20; page++ {
		if pages.Page != "" {
			args[pages.Page] = Count(page)
			if pages.Zero {
				args[pages.Page] = Count(page - 1)
			}
		}
		if pages.Offset != "" {
			args[pages.Offset] = Count(len(seen))
		}
		answer := w.call(args)
		items, _ := Lookup(answer, pages.Items).([]any)
		switch at, _ := answer.(Object); pages.Items {
		case "":
			items, _ = answer.([]any)
		case bindings.OneList:
			for _, v := range at {
				if list, isList := v.([]any); isList {
					items = list
				}
			}
		}
		if members, ok := Lookup(answer, pages.Items).(Object); ok {
			for _, key := range sorted(members) {
				items = append(items, key)
			}
		}
		for _, item := range items {
			id := Text(item)
			if at, ok := item.(Object); ok {
				for _, field := range []string{"id", "_id", "ts", "name"} {
					if v := Text(at[field]); v != "" {
						id = v
						break
					}
				}
			}
			if seen[id] {
				w.t.Errorf("met %q twice", id)
			}
			seen[id] = true
		}
		if !w.more(answer, items, args) {
			return len(seen)
		}
	}
	w.t.Errorf("the walk does not end")
	return len(seen)
}

func (w *walker) more(answer any, items []any, args map[string]any) bool {
	pages := w.op.Pages
	if pages.More != "" && Lookup(answer, pages.More) == false {
		return false
	}
	switch {
	case len(pages.Cursors) > 0:
		for i, param := range sorted(pages.Cursors) {
			path, from := pages.Cursors[param], answer
			if field, ofItem := strings.CutPrefix(path, "item:"); ofItem {
				if len(items) == 0 {
					return false
				}
				path, from = field, items[len(items)-1]
			}
			v := Lookup(from, path)
			if i == 0 && Empty(v) {
				return false
			}
			args[param] = v
		}
		return true
	case pages.URL != "":
		w.next, _ = answer.(Object)[pages.URL].(string)
		return w.next != ""
	case pages.Next != "":
		return !Empty(Lookup(answer, pages.Next))
	case pages.Last != "":
		last, _ := strconv.Atoi(Text(Lookup(answer, pages.Last)))
		page, _ := strconv.Atoi(Text(args[pages.Page]))
		return page < last
	}
	return len(items) >= 3
}

func (w *walker) call(args map[string]any) any {
	c := w.first.Clone(w.t.Context())
	body := Object{}
	if w.first.Body != nil && w.first.GetBody == nil {
		raw := w.op.Body
		if raw != nil {
			def, _ := w.s.apps[appOf(w.first)], raw
			m := maker{fitter{checkerOf(def, w.op), w.s.now()}, w.op, nil}
			if fields, ok := m.value(&raw.Type, "", 0).(Object); ok {
				body = fields
			}
		}
	}
	query := c.URL.Query()
	for name, v := range args {
		if inQuery(w.op, name) {
			query.Set(name, Text(v))
		} else {
			body[name] = v
		}
	}
	c.URL.RawQuery = query.Encode()
	if w.next != "" {
		var err error
		if c.URL, err = url.Parse(w.next); err != nil {
			w.t.Fatal(err)
		}
	}
	c.Body, c.ContentLength = http.NoBody, 0
	if w.op.Body != nil {
		encoded := string(Encode(body))
		if w.op.Body.Encoding == bindings.Form {
			form := url.Values{}
			for name, v := range body {
				form.Set(name, Text(v))
			}
			encoded = form.Encode()
		}
		fresh := httptest.NewRequest(c.Method, c.URL.String(), strings.NewReader(encoded))
		fresh.Header = c.Header
		c = fresh
	}
	answer := httptest.NewRecorder()
	w.s.Handler().ServeHTTP(answer, c)
	if answer.Code != http.StatusOK && answer.Code != http.StatusCreated {
		w.t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	v, err := Decode(answer.Body.Bytes())
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func appOf(r *http.Request) string {
	app, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return app
}

func inQuery(op *bindings.Operation, name string) bool {
	for _, f := range op.Query {
		if f.Name == name {
			return true
		}
	}
	return false
}
