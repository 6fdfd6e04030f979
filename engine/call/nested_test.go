package call_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

func parsed(t *testing.T, text string) *bindings.Catalogue {
	t.Helper()
	c, err := bindings.ParseCatalogue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Files within a list of objects: each member is a part of its own, in order.
func TestMultipartListOfObjects(t *testing.T) {
	var got []string
	s := start(t, func(w http.ResponseWriter, r *http.Request) {
		parts, err := r.MultipartReader()
		if err != nil {
			t.Error(err)
			return
		}
		for {
			part, err := parts.NextPart()
			if err != nil {
				return
			}
			text, _ := io.ReadAll(part)
			got = append(got, part.FormName()+"="+part.FileName()+":"+string(text))
		}
	}, func(_ *call.Config, _ *connection.Settings, app *bindings.App) {
		app.Catalogue = parsed(t, `
operation invoices.create {"id":"create","method":"POST","path":"/invoices","body":{"encoding":"multipart","type":"#Create","required":true}}
type Create {"fields":["invoices!: [#Invoice]"]}
type Invoice {"fields":["file!: file","key!: string"]}
`)
	})
	if _, err := s.do(t, "invoices.create", `{"invoices":[{"file":{"name":"a.pdf","text":"A"},"key":"1"},{"file":{"name":"b.pdf","text":"B"},"key":"2"}]}`); err != nil {
		t.Fatal(err)
	}
	want := "invoices[][file]=a.pdf:A invoices[][key]=:1 invoices[][file]=b.pdf:B invoices[][key]=:2"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
}

// An empty page with a cursor is not the end.
func TestPageWithoutItems(t *testing.T) {
	c := parsed(t, `
operation chat.list {"id":"list","method":"POST","path":"/list","safe":true,"pages":{"items":"channels","cursors":{"cursor":"meta.next"}}}
operation notes.list {"id":"notes","method":"GET","path":"/notes","pages":{"items":"notes","cursors":{"after":"item:id"}}}
`)
	for _, test := range []struct{ operation, answer, next string }{
		{"chat.list", `{"channels":[],"meta":{"next":"c2"}}`, `{"cursor":"c2"}`},
		{"chat.list", `{"channels":[],"meta":{"next":""}}`, ""},
		{"chat.list", `{"channels":[]}`, ""},
		{"notes.list", `{"notes":[]}`, ""},
	} {
		op, _ := c.Operation(test.operation)
		items, next, err := call.Page(op, json.RawMessage(`{}`), json.RawMessage(test.answer))
		if err != nil || string(items) != "[]" || string(next) != test.next {
			t.Errorf("%s: got items %s, next %s, %v; want next %s", test.answer, items, next, err, test.next)
		}
	}
}

// A list that the vendor wants as one text is joined.
func TestListAsOneText(t *testing.T) {
	var got string
	s := start(t, func(_ http.ResponseWriter, r *http.Request) { got = r.URL.RequestURI() }, func(_ *call.Config, _ *connection.Settings, app *bindings.App) {
		app.Catalogue = parsed(t, `
operation tasks.list {"id":"list","method":"GET","path":"/tasks","in_query":["opt_fields: [string]","ids: [integer]","tag: [string]"],"join":{"opt_fields":",","ids":"|"}}
`)
	})
	for arguments, want := range map[string]string{
		`{"opt_fields":["name","assignee.name",null],"ids":[1,2],"tag":["a","b"]}`: "/tasks?opt_fields=name%2Cassignee.name&ids=1%7C2&tag=a&tag=b",
		`{"opt_fields":[]}`: "/tasks",
	} {
		if _, err := s.do(t, "tasks.list", arguments); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", arguments, got, want)
		}
	}
}
