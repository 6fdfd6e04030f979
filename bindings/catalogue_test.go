package bindings_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

const small = `# A catalogue has one thing a line.

operation contacts.get {"id":"get-contact","method":"GET","path":"/contacts/{contactId}","in_path":["contactId!: string"],"answer":"#ContactAnswer"}
operation contacts.create {"id":"create-contact","method":"POST","path":"/contacts","body":{"encoding":"json","type":"#Contact"}}
operation calendars.list {"id":"get-calendars","method":"GET","path":"/calendars"}
type Contact {"fields":["id: string","tags: [string]","custom: #Custom"],"open":true}
type ContactAnswer {"fields":["contact: #Contact"]}
type Custom {"is":"#Other"}
type Other {"is":"{string}"}
type Circle {"is":"#Circle"}
trigger crm.contact.created {"vendor":"ContactCreate","record":"id","data":"#Contact"}
`

func parse(t *testing.T, text string) *bindings.Catalogue {
	t.Helper()
	c, err := bindings.ParseCatalogue([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCatalogue(t *testing.T) {
	c := parse(t, small)
	if got := strings.Join(c.Operations(), " "); got != "calendars.list contacts.create contacts.get" {
		t.Errorf("Operations: %s", got)
	}
	if got := strings.Join(c.Groups(), " "); got != "calendars contacts" {
		t.Errorf("Groups: %s", got)
	}
	if got := strings.Join(c.Group("contacts"), " "); got != "create get" {
		t.Errorf("Group: %s", got)
	}
	if got := c.Group("deals"); got != nil {
		t.Errorf("a group that is not there: %q", got)
	}
	o, found := c.Operation("contacts.get")
	if !found || o.Name != "contacts.get" || o.Path != "/contacts/{contactId}" || !o.PathParams[0].Required || !o.ReadOnly() {
		t.Errorf("Operation: %+v, %v", o, found)
	}
	if again, _ := c.Operation("contacts.get"); again != o {
		t.Error("an operation is decoded twice")
	}
	if o, _ := c.Operation("contacts.create"); o.ReadOnly() {
		t.Error("a POST without the mark only reads")
	}
	if _, found := c.Operation("contacts.delete"); found {
		t.Error("an operation is found that is not there")
	}
	trigger, found := c.Trigger("crm.contact.created")
	if !found || trigger.Name != "crm.contact.created" || trigger.Data.String() != "#Contact" {
		t.Errorf("Trigger: %+v, %v", trigger, found)
	}
}

func TestResolve(t *testing.T) {
	c := parse(t, small)
	for _, test := range []struct{ text, kind, definition string }{
		{"#Contact", "object", "Contact"},
		{"#Custom", "{string}", ""}, // through two names
		{"#Circle", "any", ""},
		{"#Nowhere", "any", ""},
		{"[#Contact]", "[#Contact]", ""},
		{"integer", "integer", ""},
	} {
		declared, err := bindings.ParseType(test.text)
		if err != nil {
			t.Fatal(err)
		}
		kind, d := c.Resolve(&declared)
		if kind.String() != test.kind || (d == nil) != (test.definition == "") || d != nil && d.Name != test.definition {
			t.Errorf("Resolve(%s) = %s, %v", test.text, kind, d)
		}
	}
	if kind, d := c.Resolve(nil); kind.Kind != bindings.Any || d != nil {
		t.Errorf("Resolve(nil) = %s, %v", kind, d)
	}
}

func TestParseCatalogueNamesTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"operation contacts.get":                   "line 1: expected",
		"\n# remark\nverb contacts.get {}":         `line 3: unknown kind "verb"`,
		"operation get {}":                         `line 1: operation "get": expected group.operation`,
		"type A {}\ntype B {}\ntype A {}":          `line 3: "A" stands twice`,
		"trigger a.b.c {}\r\ntrigger a.b.c {}\r\n": `line 2: "a.b.c" stands twice`,
	} {
		if _, err := bindings.ParseCatalogue([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// A run asks for what it touches while others do.
func TestCatalogueIsSharedByManyGoroutines(t *testing.T) {
	c := parse(t, small)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for _, name := range c.Operations() {
				if o, found := c.Operation(name); !found || o.Name != name {
					t.Errorf("%s: got %+v", name, o)
				}
			}
		})
	}
	all.Wait()
}

func FuzzParseCatalogue(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("operation a.b {\"in_query\":[\"x[]!: [#A]\"]}\ntype A {\"is\":\"#A\"}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := bindings.ParseCatalogue(text)
		if err != nil {
			return
		}
		for _, group := range c.Groups() {
			for _, name := range c.Group(group) {
				if !strings.Contains("\n"+string(text), "\noperation "+group+"."+name+" ") {
					t.Errorf("%s.%s is not in the text", group, name)
				}
			}
		}
	})
}
