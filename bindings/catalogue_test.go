package bindings_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

const small = `# a remark

operation contacts.get {"id":"get-contact","method":"GET","path":"/contacts/{id}","in_path":["id!: string"],"answer":"#Answer"}
operation contacts.create {"id":"create-contact","method":"POST","path":"/contacts","body":{"encoding":"json","type":"#Contact"}}
operation tags.list {"id":"tags","method":"GET","path":"/tags","answer":"[string]"}
type Answer {"is":"#Contact"}
type Contact {"fields":["name!: string","tags: [string]"],"open":true}
type Ring {"is":"#Ring"}
trigger app.contact.created {"vendor":"ContactCreate","record":"id"}`

func TestCatalogue(t *testing.T) {
	c, err := bindings.ParseCatalogue([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		what      string
		got, want []string
	}{
		{"operations", c.Operations(), []string{"contacts.create", "contacts.get", "tags.list"}},
		{"types", c.Types(), []string{"Answer", "Contact", "Ring"}},
		{"triggers", c.Triggers(), []string{"app.contact.created"}},
		{"groups", c.Groups(), []string{"contacts", "tags"}},
		{"group contacts", c.Group("contacts"), []string{"create", "get"}},
		{"group that is not there", c.Group("deals"), nil},
	} {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: %q, expected %q", test.what, test.got, test.want)
		}
	}
	o, found := c.Operation("contacts.get")
	if !found || o.Name != "contacts.get" || o.Method != "GET" || len(o.PathParams) != 1 || !o.PathParams[0].Required {
		t.Errorf("contacts.get: %+v, %v", o, found)
	}
	if again, _ := c.Operation("contacts.get"); again != o {
		t.Error("an operation is decoded twice")
	}
	if _, found := c.Operation("contacts.upsert"); found {
		t.Error("an operation that is not there is found")
	}
	if trigger, _ := c.Trigger("app.contact.created"); trigger.Name != "app.contact.created" || trigger.Vendor != "ContactCreate" {
		t.Errorf("trigger: %+v", trigger)
	}
}

func TestResolve(t *testing.T) {
	c, err := bindings.ParseCatalogue([]byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		text   string
		kind   bindings.Kind
		fields int
	}{
		{"#Answer", bindings.Object, 2}, // an alias of #Contact
		{"#Contact", bindings.Object, 2},
		{"[#Contact]", bindings.List, 0},
		{"string", bindings.String, 0},
		{"#Ring", bindings.Any, 0},
		{"#Nothing", bindings.Any, 0},
	} {
		declared, err := bindings.ParseType(test.text)
		if err != nil {
			t.Fatal(err)
		}
		got, d := c.Resolve(&declared)
		if got.Kind != test.kind || (d == nil) != (test.fields == 0) || d != nil && len(d.Fields) != test.fields {
			t.Errorf("%s: kind %v, %+v; expected kind %v with %d fields", test.text, got.Kind, d, test.kind, test.fields)
		}
	}
	if got, d := c.Resolve(nil); got.Kind != bindings.Any || d != nil {
		t.Errorf("no type: %v, %v; expected any", got, d)
	}
}

func TestCatalogueErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"operation contacts.get", `line 1: expected "kind name {…}"`},
		{"\n\nverb contacts.get {}", `line 3: unknown kind "verb"`},
		{"operation get {}", `expected group.operation`},
		{"type A {}\ntype A {}", `line 2: "A" is declared twice`},
	} {
		if _, err := bindings.ParseCatalogue([]byte(test.text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, expected %q", test.text, err, test.want)
		}
	}
}

// Check returns an error for each entry that cannot be decoded, in the order of
// the lines.
func TestCatalogueCheck(t *testing.T) {
	parse := func(text string) *bindings.Catalogue {
		c, err := bindings.ParseCatalogue([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := parse(small).Check(); err != nil {
		t.Error(err)
	}
	for _, test := range []struct{ text, want string }{
		{`trigger app.contact.created {"vendor":"ContactCreate","recrd":"id"}`,
			`catalogue line 1: app.contact.created: unknown key "recrd"; did you mean "record"?`},
		{"\n" + `operation a.get {"id":"a","method":"GET","path":"/","pages":{"itmes":"a"}}`,
			`catalogue line 2: a.get: unknown key "itmes"; did you mean "items"?`},
		{`type A {"felds":[],"open":true}`, `catalogue line 1: A: unknown key "felds"; did you mean "fields"?`},
		{`type A {"zzz":1}`, `catalogue line 1: A: unknown key "zzz"`},
		{`type A {"open":"yes"}`, `catalogue line 1: A: key "open": expected true or false, found string`},
		{`operation a.get {"in_path":"id"}`, `catalogue line 1: a.get: key "in_path": expected a list, found string`},
		{`operation a.get {"answer":"text"}`, `catalogue line 1: a.get: type "text": expected a type (`},
		{`operation a.get {"id":`, `catalogue line 1: a.get: unexpected EOF`},
		{`type A {} {}`, `catalogue line 1: A: expected one JSON object`},
		{"type B {\"x\":1}\ntype A {\"x\":1}", "catalogue line 1: B: unknown key \"x\"\ncatalogue line 2: A: unknown key \"x\""},
	} {
		if err := parse(test.text).Check(); err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: found %v, expected %q", test.text, err, test.want)
		}
	}
}

func FuzzParseCatalogue(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("operation a.b {}\ntype c {"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := bindings.ParseCatalogue(text)
		if err != nil {
			return
		}
		if err := c.Check(); err != nil && !strings.HasPrefix(err.Error(), "catalogue line ") {
			t.Error(err)
		}
		for _, group := range c.Groups() {
			for _, name := range c.Group(group) {
				if !strings.Contains(string(text), group+"."+name) {
					t.Errorf("%s.%s is not in the text", group, name)
				}
			}
		}
	})
}
