package sandbox_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

// TestEveryWalk reads every list that the catalogues declare as paged, three items
// a page, and must find each of eight records once.
func TestEveryWalk(t *testing.T) {
	for _, def := range all.Apps() {
		s := newSandbox(t, def, false)
		for _, name := range def.Operations() {
			op, _ := def.Operation(name)
			if p := op.Pages; p != nil && p.SizeParam != "" && (len(p.Cursors) > 0 || p.Page != "" || p.Offset != "" || p.URL != "") {
				t.Run(def.Name+"."+name, func(t *testing.T) { walk(t, s, newSample(t, s, def.Name, op)) })
			}
		}
	}
}

func walk(t *testing.T, s *sandbox.Sandbox, m sample) {
	w := walker{t: t, s: s, m: m, op: m.op, first: m.request()}
	m.fill()
	if got := w.all(); got != 8 {
		t.Errorf("met %d records, expected 8", got)
	}
}

// walker reads the pages of a list as the documentation of bindings.Pages
// describes, independently of the sandbox.
type walker struct {
	t     *testing.T
	s     *sandbox.Sandbox
	m     sample
	op    *bindings.Operation
	first *http.Request
	next  string // the whole address of the next page
}

func (w *walker) all() int {
	pages, seen, args := w.op.Pages, map[string]bool{}, map[string]any{w.op.Pages.SizeParam: sandbox.Number(3)}
	for page := 1; page < 20; page++ {
		if pages.Page != "" {
			args[pages.Page] = sandbox.Count(page)
			if pages.ZeroBased {
				args[pages.Page] = sandbox.Count(page - 1)
			}
		}
		if pages.Offset != "" {
			args[pages.Offset] = sandbox.Count(len(seen))
		}
		answer := w.call(args)
		items, _ := sandbox.Lookup(answer, pages.Items).([]any)
		switch at, _ := answer.(sandbox.Object); pages.Items {
		case "":
			items, _ = answer.([]any)
		case bindings.OneList:
			for _, v := range at {
				if list, isList := v.([]any); isList {
					items = list
				}
			}
		}
		if members, ok := sandbox.Lookup(answer, pages.Items).(sandbox.Object); ok {
			for _, key := range slices.Sorted(maps.Keys(members)) {
				items = append(items, key)
			}
		}
		for _, item := range items {
			id := sandbox.Text(item)
			if at, ok := item.(sandbox.Object); ok {
				for _, field := range []string{"id", "_id", "ts", "name"} {
					if v := sandbox.Text(at[field]); v != "" {
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
	if pages.More != "" && sandbox.Lookup(answer, pages.More) == false {
		return false
	}
	switch {
	case len(pages.Cursors) > 0:
		for i, param := range slices.Sorted(maps.Keys(pages.Cursors)) {
			path, from := pages.Cursors[param], answer
			if field, ofItem := strings.CutPrefix(path, "item:"); ofItem {
				if len(items) == 0 {
					return false
				}
				path, from = field, items[len(items)-1]
			}
			v := sandbox.Lookup(from, path)
			if i == 0 && sandbox.Empty(v) {
				return false
			}
			args[param] = v
		}
		return true
	case pages.URL != "":
		w.next, _ = answer.(sandbox.Object)[pages.URL].(string)
		return w.next != ""
	case pages.Next != "":
		return !sandbox.Empty(sandbox.Lookup(answer, pages.Next))
	case pages.Last != "":
		last, _ := strconv.Atoi(sandbox.Text(sandbox.Lookup(answer, pages.Last)))
		page, _ := strconv.Atoi(sandbox.Text(args[pages.Page]))
		return page < last
	}
	return len(items) >= 3
}

func (w *walker) call(args map[string]any) any {
	c := w.first.Clone(w.t.Context())
	body := sandbox.Object{}
	if w.op.Body != nil {
		if fields, ok := w.m.value(&w.op.Body.Type, "", 0).(sandbox.Object); ok {
			body = fields
		}
	}
	query := c.URL.Query()
	for name, v := range args {
		if inQuery(w.op, name) {
			query.Set(name, sandbox.Text(v))
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
		encoded := string(sandbox.Encode(body))
		if w.op.Body.Encoding == bindings.Form {
			encoded = formOf(body)
		}
		request := httptest.NewRequest(c.Method, c.URL.String(), strings.NewReader(encoded))
		request.Header = c.Header
		c = request
	}
	answer := httptest.NewRecorder()
	w.s.Handler().ServeHTTP(answer, c)
	if answer.Code != http.StatusOK && answer.Code != http.StatusCreated {
		w.t.Fatalf("status %d: %s", answer.Code, answer.Body)
	}
	v, err := sandbox.Decode(answer.Body.Bytes())
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func inQuery(op *bindings.Operation, name string) bool {
	for _, f := range op.Query {
		if f.Name == name {
			return true
		}
	}
	return false
}
