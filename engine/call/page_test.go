package call_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/call"
	"github.com/tidewire/tidewire/engine/connection"
)

func TestPage(t *testing.T) {
	cursor := &bindings.Pages{Items: "data.items", Cursors: map[string]string{"after": "meta.next"}}
	item := &bindings.Pages{Items: "items", Cursors: map[string]string{"after": "item:id", "at": "item:sort.0"}}
	more := &bindings.Pages{Items: "items", Cursors: map[string]string{"after": "item:id"}, More: "has_more"}
	counted := &bindings.Pages{Items: "items", Page: "page", Next: "meta.next_page"}
	sized := &bindings.Pages{Items: "items", Page: "page", SizeParam: "per_page", Size: 2}
	last := &bindings.Pages{Items: "items", Page: "page", Last: "paging.pages", SizeParam: "count", Size: 2}
	keyed := &bindings.Pages{Items: "by", Keyed: true, Cursors: map[string]string{"after": "next"}}
	offset := &bindings.Pages{Items: "items", Offset: "skip", SizeParam: "limit", Size: 2}
	offsetMore := &bindings.Pages{Items: "items", Offset: "skip", More: "more"}
	whole := &bindings.Pages{Items: ""}
	address := &bindings.Pages{Items: "value", URL: "@odata.nextLink"}
	zero := &bindings.Pages{Items: "items", Page: "page", ZeroBased: true, SizeParam: "per_page", Size: 2}
	one := &bindings.Pages{Items: bindings.OneList}
	tests := []struct {
		name         string
		pages        *bindings.Pages
		args, answer string
		items, next  string
		wrong        bool
	}{
		{"cursor", cursor, `{}`, `{"data":{"items":[{"id":1}]},"meta":{"next":"n2"}}`, `[{"id":1}]`, `{"after":"n2"}`, false},
		{"cursor at the end", cursor, `{}`, `{"data":{"items":[1]},"meta":{"next":""}}`, `[1]`, ``, false},
		{"cursor null", cursor, `{}`, `{"data":{"items":[1]},"meta":{"next":null}}`, `[1]`, ``, false},
		{"cursor that does not advance", cursor, `{"after":"n2"}`, `{"data":{"items":[1]},"meta":{"next":"n2"}}`, ``, ``, true},
		{"no list, and a cursor", cursor, `{}`, `{"meta":{"next":"n2"}}`, `[]`, `{"after":"n2"}`, false},
		{"no list, and no cursor", cursor, `{}`, `{"meta":{}}`, `[]`, ``, false},
		{"null for a list, and a cursor", cursor, `{}`, `{"data":{"items":null},"meta":{"next":"n2"}}`, `[]`, `{"after":"n2"}`, false},
		{"null for an object, and a cursor", keyed, `{}`, `{"by":null,"next":"n2"}`, `[]`, `{"after":"n2"}`, false},
		{"no list, and an address", address, `{}`, `{"@odata.nextLink":"https://a/b"}`, `[]`, `{"@odata.nextLink":"https://a/b"}`, false},
		{"no list in a counted page", sized, `{}`, `{}`, `[]`, ``, false},
		{"empty page before the end", cursor, `{}`, `{"data":{"items":[]},"meta":{"next":"n2"}}`, `[]`, `{"after":"n2"}`, false},
		{"empty page without an item to go on from", item, `{}`, `{"items":[]}`, `[]`, ``, false},
		{"empty page with a next page", counted, `{}`, `{"items":[],"meta":{"next_page":2}}`, `[]`, `{"page":2}`, false},
		{"empty page without a next page", counted, `{}`, `{"items":[],"meta":{"next_page":null}}`, `[]`, ``, false},
		{"items that are no list", cursor, `{}`, `{"data":{"items":{}}}`, ``, ``, true},
		{"cursors in the last item", item, `{}`, `{"items":[{"id":"a","sort":[1]},{"id":"b","sort":[1700000000000,"x"]}]}`,
			`[{"id":"a","sort":[1]},{"id":"b","sort":[1700000000000,"x"]}]`, `{"after":"b","at":1700000000000}`, false},
		{"second cursor absent", item, `{}`, `{"items":[{"id":"b"}]}`, `[{"id":"b"}]`, `{"after":"b"}`, false},
		{"no more", more, `{}`, `{"items":[{"id":"b"}],"has_more":false}`, `[{"id":"b"}]`, ``, false},
		{"next page", counted, `{}`, `{"items":[1],"meta":{"next_page":2}}`, `[1]`, `{"page":2}`, false},
		{"last page", counted, `{"page":2}`, `{"items":[1],"meta":{"next_page":null}}`, `[1]`, ``, false},
		{"page that does not advance", counted, `{"page":"2"}`, `{"items":[1],"meta":{"next_page":2}}`, ``, ``, true},
		{"full page", sized, `{}`, `{"items":[1,2]}`, `[1,2]`, `{"page":2}`, false},
		{"full page of the script's size", sized, `{"per_page":1,"page":4}`, `{"items":[1]}`, `[1]`, `{"page":5}`, false},
		{"short page", sized, `{"page":2}`, `{"items":[1]}`, `[1]`, ``, false},
		{"page before the last, not full", last, `{}`, `{"items":[1],"paging":{"pages":2}}`, `[1]`, `{"page":2}`, false},
		{"the last page, full", last, `{"page":2}`, `{"items":[1,2],"paging":{"pages":2}}`, `[1,2]`, ``, false},
		{"full page that names no last", last, `{}`, `{"items":[1,2]}`, `[1,2]`, `{"page":2}`, false},
		{"list that is an object", keyed, `{}`, `{"by":{"a":{"n":1},"b\"":2},"next":"x"}`,
			`[{"key":"a","value":{"n":1}},{"key":"b\"","value":2}]`, `{"after":"x"}`, false},
		{"object without members", keyed, `{}`, `{"by":{}}`, `[]`, ``, false},
		{"text where an object is", keyed, `{}`, `{"by":"a"}`, ``, ``, true},
		{"offset", offset, `{"skip":4}`, `{"items":[1,2]}`, `[1,2]`, `{"skip":6}`, false},
		{"offset at the end", offset, `{}`, `{"items":[1]}`, `[1]`, ``, false},
		{"offset with more", offsetMore, `{}`, `{"items":[1],"more":true}`, `[1]`, `{"skip":1}`, false},
		{"offset without more", offsetMore, `{}`, `{"items":[1],"more":false}`, `[1]`, ``, false},
		{"list that comes whole", whole, `{}`, `[1,2]`, `[1,2]`, ``, false},
		{"address", address, `{}`, `{"value":[1],"@odata.nextLink":"https://a/b?c=d&e"}`, `[1]`, `{"@odata.nextLink":"https://a/b?c=d\u0026e"}`, false},
		{"no address", address, `{"@odata.nextLink":"https://a/b"}`, `{"value":[1]}`, `[1]`, ``, false},
		{"address behind an empty page", address, `{}`, `{"value":[],"@odata.nextLink":"https://a/b"}`, `[]`, `{"@odata.nextLink":"https://a/b"}`, false},
		{"address that does not advance", address, `{"@odata.nextLink":"https://a/b"}`, `{"value":[1],"@odata.nextLink":"https://a/b"}`, ``, ``, true},
		{"the first page is 0", zero, `{}`, `{"items":[1,2]}`, `[1,2]`, `{"page":1}`, false},
		{"the second page is 1", zero, `{"page":1}`, `{"items":[1,2]}`, `[1,2]`, `{"page":2}`, false},
		{"the answer is the one list", one, `{}`, `[1]`, `[1]`, ``, false},
		{"one list among the members", one, `{}`, `{"count":2,"rows":[1,2],"meta":{"pages":[1]}}`, `[1,2]`, ``, false},
		{"one list further down", one, `{}`, `{"data":{"page":{"rows":[{"tags":["a"]}]}}}`, `[{"tags":["a"]}]`, ``, false},
		{"no answer", one, `{}`, `null`, `[]`, ``, false},
		{"several lists", one, `{}`, `{"rows":[1],"columns":[2]}`, ``, ``, true},
		{"no list at all", one, `{}`, `{"data":{"count":1}}`, ``, ``, true},
		{"not a list", nil, `{}`, `{}`, ``, ``, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			op := &bindings.Operation{Name: "things.list", Pages: test.pages}
			items, next, err := call.Page(op, json.RawMessage(test.args), json.RawMessage(test.answer))
			if (err != nil) != test.wrong {
				t.Fatalf("got the error %v", err)
			}
			if string(items) != test.items || string(next) != test.next {
				t.Errorf("got  %s and %s\nwant %s and %s", items, next, test.items, test.next)
			}
		})
	}
}

// Arguments of a list that the script does not pass are added: the first page
// where it is required, and what asks for everything.
func TestPageOfAWalk(t *testing.T) {
	for _, test := range []struct{ query, pages, args, want string }{
		{`"skip!: integer","limit: integer"`, `"offset":"skip","size_param":"limit","size":50`, `{}`, "limit=50&skip=0"},
		{`"skip!: integer","limit: integer"`, `"offset":"skip","size_param":"limit","size":50`, `{"skip":50}`, "limit=50&skip=50"},
		{`"skip: integer","limit: integer"`, `"offset":"skip","size_param":"limit","size":50`, `{}`, "limit=50"},
		{`"page!: integer"`, `"page":"page"`, `{}`, "page=1"},
		{`"page!: integer"`, `"page":"page","zero":true`, `{}`, "page=0"},
		{`"fetchAll: string"`, `"with":{"fetchAll":"true"}`, `{}`, "fetchAll=true"},
		{`"fetchAll: string"`, `"with":{"fetchAll":"true"}`, `{"fetchAll":"false"}`, "fetchAll=false"},
	} {
		var got string
		s := start(t, record(&got), func(_ *call.Config, _ *connection.Settings, app *bindings.App) {
			app.Catalogue = parsed(t, `operation things.list {"id":"l","method":"GET","path":"/things","in_query":[`+test.query+`],"pages":{"items":"things",`+test.pages+`}}`)
		})
		r := s.request(t, "things.list", test.args)
		r.Page = true
		if _, err := s.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		at, err := url.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		if query := at.Query().Encode(); query != test.want {
			t.Errorf("%s, %s: sent %s, want %s", test.pages, test.args, query, test.want)
		}
	}
}

func TestPageSize(t *testing.T) {
	for args, want := range map[string]string{`{}`: "/contacts?limit=100&locationId=loc1", `{"limit":5}`: "/contacts?locationId=loc1&limit=5"} {
		var got string
		s := start(t, record(&got), nil)
		op := *s.op(t, "contacts.list")
		op.Pages = &bindings.Pages{Items: "contacts", SizeParam: "limit", Size: 100}
		r := s.request(t, "contacts.list", args)
		r.Operation, r.Page = &op, true
		if _, err := s.Do(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("sent %s, want %s", got, want)
		}
	}
}
