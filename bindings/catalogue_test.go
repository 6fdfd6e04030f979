package bindings_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
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

// TestOwnKeyInRecord reads the key of ours in records.
func TestOwnKeyInRecord(t *testing.T) {
	key := strings.Repeat("0a", 16)
	const uuid = "0a0a0a0a-0a0a-8a0a-aa0a-0a0a0a0a0a0a"
	for _, test := range []struct {
		args, record, want string
		format             bindings.KeyFormat
	}{
		{args: `{"ref":"{key}"}`, record: `{"ref":"` + key + `","n":1}`, want: key},
		{args: `{"ref":"{key}"}`, record: `{"ref":"` + strings.ToUpper(key) + `"}`},
		{args: `{"ref":"{key}"}`, record: `{"ref":"` + key + `0"}`},
		{args: `{"ref":"{key}"}`, record: `{"ref":{"key":"` + key + `"}}`},
		{args: `{"ref":"{key}"}`, record: `[]`},
		{args: `{"ref":"call {key}."}`, record: `{"ref":"call ` + key + `."}`, want: key},
		{args: `{"ref":"call {key}."}`, record: `{"ref":"` + key + `."}`},
		{args: `{"data":{"by":"us","key":"{key}"}}`, record: `{"data":{"by":"us","key":"` + key + `","n":1}}`, want: key},
		{args: `{"data":{"by":"us","key":"{key}"}}`, record: `{"data":{"by":"them","key":"` + key + `"}}`},
		{args: `{"n":1,"ref":"{key}"}`, record: `{"n":1,"ref":"` + key + `"}`, want: key},
		{args: `{"n":1,"ref":"{key}"}`, record: `{"n":2,"ref":"` + key + `"}`},
		{args: `{"id":"{key}"}`, format: bindings.KeyUUID, record: `{"id":"` + uuid + `"}`, want: uuid},
		{args: `{"id":"{key}"}`, format: bindings.KeyUUID, record: `{"id":"` + key + `"}`},
		{args: `{"id":"{key}"}`, format: bindings.KeyUUID, record: `{"id":"` + strings.Replace(uuid, "-8", "-4", 1) + `"}`},
	} {
		k := bindings.OwnKey{Format: test.format}
		var record any
		if err := errors.Join(json.Unmarshal([]byte(test.args), &k.Args), json.Unmarshal([]byte(test.record), &record)); err != nil {
			t.Fatal(err)
		}
		if got := k.In(record); got != test.want {
			t.Errorf("%s in %s: found %q, want %q", test.args, test.record, got, test.want)
		}
	}
}

// TestCatalogueFind checks how calls are found.
func TestCatalogueFind(t *testing.T) {
	const catalogue = `operation notes.create {"id":"c","method":"POST","path":"/notes","own_key":{"args":{"ref":"{key}"}},"find":[FIND]}
operation notes.get {"id":"g","method":"GET","path":"/notes/{id}","in_path":["id!: string"]}
operation notes.list {"id":"l","method":"GET","path":"/notes","pages":{"items":"notes"}}
operation notes.search {"id":"s","method":"POST","path":"/search","safe":true}
`
	const list = `{"operation":"notes.list","args":{"after":"{since.ms}"},"match":{"text":"{args.text}"},"created":"at","answer":{"note":"{found}"},"lag":"5s"}`
	for _, test := range []struct{ find, old, changed, want string }{
		{find: list},
		{find: `{"key":true,"operation":"notes.get","args":{"id":"{key}"},"work":"2m"}`},
		{find: `{"operation":"notes.search","items":"hits","match":{"text":"{args.text}"}},` + list},
		{list, `notes.list`, `notes.all`, `find.0: there is no operation "notes.all"`},
		{list, `notes.list`, `notes.create`, `notes.create may change something`},
		{list, `notes.list`, `notes.get`, `the answer of notes.get is one record`},
		{list, `"match":{"text":"{args.text}"},"created":"at",`, ``, `every record of notes.list would be a match`},
		{list, `{args.text}`, `{arg.text}`, `{arg.text} has no value here`},
		{list, `{args.text}`, `{found.text}`, `{found.text} has no value here`},
		{list, `{found}`, `{item}`, `answer: {item} has no value here`},
		{list, `{args.text}`, `{key}`, `{key} has a value only if key is set`},
		{list, `"operation"`, `"key":true,"operation"`, `{key} is neither in args nor in match`},
		{list, `5s`, `5`, `catalogue line 1: notes.create: found "5", expected a length of time`},
		{list, `"5s"`, `5`, `catalogue line 1: notes.create: found 5, expected a length of time`},
		{list, `5s`, `-5s`, `found "-5s", expected a length of time`},
		{find: list, old: `"lag"`, changed: `"others":["notes.create"],"lag"`},
		{list, `"lag"`, `"others":["notes.get"],"lag"`, `others: there is no operation "notes.get" that is sent with a key of ours`},
		{list, `"lag"`, `"lags"`, `unknown key "lags"; did you mean "lag"?`},
	} {
		find := strings.Replace(test.find, test.old, test.changed, 1)
		c, err := bindings.ParseCatalogue([]byte(strings.Replace(catalogue, "FIND", find, 1)))
		if err != nil {
			t.Fatal(err)
		}
		switch err := c.Check(); {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", find, err)
		case test.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "catalogue line 1: notes.create: ") || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, expected %q", find, err, test.want)
		}
	}
	for _, test := range []struct{ old, changed, want string }{
		{`"{key}"`, `"{args.id}"`, `own_key: args: found the words ["args.id"], expected {key} alone`},
		{`"args":{"ref":"{key}"}`, `"args":{"ref":"{key}"},"format":"md5"`, `own_key: format: found "md5", expected "hex" or "uuid"`},
		{`"method":"POST","path":"/notes"`, `"method":"GET","path":"/notes"`, `it only reads`},
		{`"own_key":{"args":{"ref":"{key}"}},`, ``, `the operation is sent with none`},
	} {
		text := strings.Replace(catalogue, "FIND", `{"key":true,"operation":"notes.get","args":{"id":"{key}"}}`, 1)
		c, err := bindings.ParseCatalogue([]byte(strings.Replace(text, test.old, test.changed, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, expected %q", test.changed, err, test.want)
		}
	}
}

// TestFindApplies checks to which calls a way to find them applies.
func TestFindApplies(t *testing.T) {
	for _, test := range []struct {
		find  bindings.Find
		args  string
		keyed bool
		want  bool
	}{
		{bindings.Find{}, "", false, true},
		{bindings.Find{Key: true}, "", false, false},
		{bindings.Find{Key: true}, "", true, true},
		{bindings.Find{With: []string{"a", "b"}}, "a", false, false},
		{bindings.Find{With: []string{"a", "b"}}, "a b", false, true},
		{bindings.Find{Without: []string{"a", "b"}}, "b", true, false},
		{bindings.Find{Without: []string{"a", "b"}}, "c", true, true},
	} {
		given := func(name string) bool { return slices.Contains(strings.Fields(test.args), name) }
		if got := test.find.Applies(given, test.keyed); got != test.want {
			t.Errorf("%+v with %q, keyed %v: %v", test.find, test.args, test.keyed, got)
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
