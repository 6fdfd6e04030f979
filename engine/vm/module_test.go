package vm_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/vm"
)

func TestModuleNames(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `tostring(acme)`, want: `"acme"`},
		{lua: `tostring(acme.contacts)`, want: `"acme.contacts"`},
		{lua: `tostring(acme.contacts.upsert)`, want: `"acme.contacts.upsert"`},
		{lua: `type(acme.contacts.upsert)`, want: `"function"`},
		{lua: `type(acme)`, want: `"table"`},
		{lua: `acme.contacts.get == acme.contacts.get and require "acme" == acme`, want: `true`},
		{lua: `local n = {}; for name in pairs(acme) do n[#n + 1] = name end; return n`, want: `["contacts","forms","tags"]`},
		{lua: `local n = {}; for name, f in pairs(acme.forms) do n[#n + 1] = name .. " " .. type(f) end; return n`, want: `["list function"]`},
		{lua: `acme.contact.get`, err: "crm.lua:3: acme has no group 'contact'; did you mean contacts?"},
		{lua: `acme.invoices.get`, err: "acme has no group 'invoices'; its groups are contacts, forms, tags"},
		{lua: `acme.contacts.upsert_contact {}`, err: "acme.contacts has no 'upsert_contact'; did you mean upsert?"},
		{lua: `acme.contacts.upsertContact {}`, err: "acme.contacts has no 'upsertContact'; did you mean upsert?"},
		{lua: `acme.contacts.createContactTask {}`, err: "acme.contacts has no 'createContactTask'; did you mean create_task?"},
		{lua: `acme.contacts.upsretContact {}`, err: "acme.contacts has no 'upsretContact'; did you mean upsert?"},
		{lua: `acme.contacts.getContacts {}`, err: "acme.contacts has no 'getContacts'; did you mean get?"},
		{lua: `acme.contacts.findContact {}`, err: "acme.contacts has no 'findContact'; did you mean get?"},
		{lua: `acme.contacts.add {}`, err: "acme.contacts has no 'add'; did you mean create_task?"},
		{lua: `acme.contacts.upsrt {}`, err: "crm.lua:3: acme.contacts has no 'upsrt'; did you mean upsert?"},
		{lua: `acme.contacts.add_task {}`, err: "acme.contacts has no 'add_task'; did you mean create_task?"},
		{lua: `acme.contacts.delete_tag {}`, err: "did you mean remove_tag?"},
		{lua: `acme.contacts.fetch {}`, err: "did you mean get?"},
		{lua: `acme.tags.xyzzy {}`, err: "acme.tags has no 'xyzzy'; it has replace"},
		{lua: `acme.contacts[1]`, err: "acme.contacts has no member that is the number 1"},
		{lua: `acme.x = 1; return 1`, err: "acme cannot be changed"},
		{lua: `acme.contacts {}`, err: "acme.contacts is no function; call one of its operations"},
		{lua: `acme.contacts:get { contactId = "c1" }`, err: "acme.contacts:get is called with a dot: acme.contacts.get {…}"},
		{lua: `acme.contacts.get("c1")`, err: `acme.contacts.get: the arguments are a table of names and values, found the text "c1"; write acme.contacts.get { name = value }`},
		{lua: `acme.contacts.get({}, { conection = "paris" })`, err: `acme.contacts.get: unknown option "conection"; did you mean connection?`},
		{lua: `acme.contacts.get({}, { timeout = "soon" })`, err: `the option timeout: "soon" is no length of time`},
		{lua: `acme.contacts.get({}, { nulls = 1 })`, err: "the option nulls must be true or false, found the number 1"},
		{lua: `acme.contacts.get({}, { check = "no" })`, err: "the option check must be true or false"},
		{lua: `acme.tags.replace { "a", "b" }`, err: "found a list; write { name = value } or, where the whole body is a list, { body = {…} }"},
		{lua: `acme.contacts.upsert { meta = { a = { print } } }`, err: "acme.contacts.upsert: meta.a[1]: a function cannot be sent"},
	})
}

func TestCallArguments(t *testing.T) {
	wantSteps(t, []lastStep{
		{`acme.contacts.upsert { email = "ada@example.com", tags = {} }`, `acme.contacts.upsert {"email":"ada@example.com","tags":[]}`},
		{`acme.contacts.upsert { balance = 12.5, meta = {} }`, `acme.contacts.upsert {"balance":"12.5","meta":{}}`},
		{`acme.contacts.upsert { balance = "12.50" }`, `acme.contacts.upsert {"balance":"12.50"}`},
		{`acme.contacts.upsert { balance = json.number "12.50" }`, `acme.contacts.upsert {"balance":12.50}`},
		{`acme.contacts.upsert { either = {} }`, `acme.contacts.upsert {"either":[]}`},
		{`acme.contacts.upsert { customFields = { { id = "f", value = {} } } }`, `acme.contacts.upsert {"customFields":[{"id":"f","value":{}}]}`},
		{`acme.contacts.list { status = {}, filter = { email = "a" } }`, `acme.contacts.list {"status":[],"filter":{"email":"a"}}`},
		{`acme.tags.replace { body = {} }`, `acme.tags.replace {"body":[]}`},
		{`acme.contacts.list()`, `acme.contacts.list {}`},
		{`acme.request { path = "/x", query = { a = 1 } }`, `acme.request {"method":"GET","path":"/x","query":{"a":1}}`},
		{`acme.request { method = "post", path = "/x", body = json.array() }`, `acme.request {"method":"POST","path":"/x","body":[]}`},
	})
}

func TestCallStep(t *testing.T) {
	h := newHost()
	err := handle(t, h, `
  acme.contacts.upsert({ email = "a", meta = { key = secret "api", list = { 1, "Bearer " .. secret "api" } } },
    { connection = "paris", timeout = "1m30s", check = false, idempotency_key = "k" })`)
	if err != nil {
		t.Fatal(err)
	}
	s := h.steps[0]
	if s.Kind != vm.StepCall || s.App.Name != "acme" || s.Operation.Name != "contacts.upsert" || s.Position != "crm.lua:4" {
		t.Errorf("step %+v", s)
	}
	if want := (vm.CallOptions{Connection: "paris", Timeout: 90 * time.Second, Unchecked: true, Key: "k"}); s.Options != want {
		t.Errorf("options %+v; want %+v", s.Options, want)
	}
	if want := `{"email":"a","meta":{"key":"secret:api","list":[1,"Bearer secret:api"]}}`; string(s.Args) != want {
		t.Errorf("args %s; want %s", s.Args, want)
	}
	for pointer, want := range map[string]string{"/meta/key": "s3cret", "/meta/list/1": "Bearer s3cret"} {
		got, err := s.Secrets[pointer].Open(func(string) (string, error) { return "s3cret", nil })
		if err != nil || got != want {
			t.Errorf("secret at %s: %q, %v; want %q", pointer, got, err, want)
		}
	}
	if len(s.Secrets) != 2 {
		t.Errorf("secrets %v", s.Secrets)
	}
}

// What was read with nulls is sent as it was.
func TestNullsAreSentBack(t *testing.T) {
	h := newHost()
	h.answers["acme.request"] = []string{`{"email":null,"meta":{"key":null,"list":[null]}}`}
	err := handle(t, h, `local all = acme.request({ path = "/x" }, { nulls = true })
all.meta.key = "k"
acme.contacts.upsert(all)`)
	if want := `{"email":null,"meta":{"key":"k","list":[null]}}`; err != nil || string(h.steps[1].Args) != want {
		t.Errorf("%v, %s; want %s", err, h.steps[1].Args, want)
	}
}

func TestCallAnswer(t *testing.T) {
	tests := []struct{ answer, lua, want string }{
		{`{"contact":{"id":"c1","balance":12.50,"seq":9007199254740993,"tags":[],"email":null}}`,
			`acme.contacts.get({ contactId = "c1" }).contact`, `{"id":"c1","balance":"12.50","seq":"9007199254740993","tags":[]}`},
		{`{"contact":{"parent":{"parent":{"balance":1}}}}`, `acme.contacts.get({ contactId = "c1" })`, `{"contact":{"parent":{"parent":{"balance":"1"}}}}`},
		{`null`, `acme.contacts.get({ contactId = "c1" })`, `nil`},
		{``, `acme.contacts.get({ contactId = "c1" })`, `nil`},
		{`null`, `try(acme.contacts.get, { contactId = "c1" })`, `true`},
		{`{"a":null,"b":{"c":null},"d":[null],"contact":null}`, `acme.contacts.get({ contactId = "c1" }, { nulls = true })`, `{"a":null,"b":{"c":null},"d":[null],"contact":null}`},
		{`{"a":null,"b":{"c":null},"d":[null]}`, `acme.contacts.get({ contactId = "c1" }, { nulls = false })`, `{"b":{},"d":[null]}`},
		{`null`, `acme.contacts.get({ contactId = "c1" }, { nulls = true })`, `nil`},
		{`{"extra":123456789012345678901}`, `acme.contacts.get({ contactId = "c1" })`, `{"extra":"123456789012345678901"}`},
	}
	for _, test := range tests {
		t.Run(test.lua+" "+test.answer, func(t *testing.T) {
			h := newHost()
			h.answers["acme.contacts.get"] = []string{test.answer}
			got, err := evaluate(t, h, test.lua)
			if err != nil || got != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestAppErrors(t *testing.T) {
	const line = "acme.contacts.get: there is no contact c1 (not_found, C404)"
	tests := []struct{ lua, want string }{
		{`local ok, err = pcall(acme.contacts.get, {}); return { ok, err.kind, err.status, err.code, err.retryable, err.body.errors[1] }`,
			`[false,"not_found",404,"C404",false,"gone"]`},
		{`local found, err = try(acme.contacts.get, {}); return { found == nil, err.kind, err.operation }`, `[true,"not_found","contacts.get"]`},
		{`local _, err = try(acme.contacts.get, {}); return tostring(err)`, `"` + line + `"`},
		{`local _, err = try(acme.contacts.get, {}); return "it was: " .. err .. "."`, `"it was: ` + line + `."`},
		{`local _, err = try(function() local ok, e = pcall(acme.contacts.get, {}); error(e) end); return err.kind`, `"not_found"`},
		{`local _, err = try(acme.contacts.get, {}); return { error = err }`,
			`{"error":{"kind":"not_found","status":404,"code":"C404","message":"there is no contact c1","app":"acme","operation":"contacts.get","retryable":false,"body":{"errors":["gone"]}}}`},
	}
	for _, test := range tests {
		t.Run(test.lua, func(t *testing.T) {
			got, err := evaluate(t, failingHost(), test.lua)
			if err != nil || got != test.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, test.want)
			}
		})
	}
	e := wantScriptError(t, handle(t, failingHost(), "acme.contacts.get {}"))
	if e.App == nil || e.App.Kind != bindings.NotFound || string(e.App.Body) != `{"errors":["gone"]}` || e.Message != line || e.Position != "crm.lua:3" {
		t.Errorf("error %+v, app %+v", e, e.App)
	}
}

func failingHost() *appHost {
	h := newHost()
	h.errors = map[string]*bindings.Error{"acme.contacts.get": {
		Kind: bindings.NotFound, Status: 404, Code: "C404", Message: "there is no contact c1", App: "acme",
		Operation: "contacts.get", Body: json.RawMessage(`{"errors":["gone"]}`),
	}}
	return h
}

// Each field of an app error is a field of the table that scripts get, and is
// there again when the table leaves the script.
func TestAppErrorFields(t *testing.T) {
	h := newHost()
	set := &bindings.Error{}
	h.errors = map[string]*bindings.Error{"acme.contacts.get": set}
	var names []string
	fields := reflect.ValueOf(set).Elem()
	for i := range fields.NumField() {
		field := fields.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
		switch value := fields.Field(i); {
		case field.Type == reflect.TypeFor[json.RawMessage]():
			value.SetBytes([]byte(`{"x":1}`))
		case value.Kind() == reflect.String:
			value.SetString("the " + name)
		case value.CanInt():
			value.SetInt(7)
		case value.Kind() == reflect.Bool:
			value.SetBool(true)
		default:
			t.Fatalf("field %s: this test has no value of type %s; add one", field.Name, field.Type)
		}
	}
	slices.Sort(names)
	got, err := evaluate(t, h, `local _, err = pcall(acme.contacts.get, {})
	local names = {}
	for name in pairs(err) do names[#names + 1] = name end
	table.sort(names)
	return table.concat(names, " ")`)
	if want := strconv.Quote(strings.Join(names, " ")); err != nil || got != want {
		t.Errorf("the table has %s, %v; the error has %s: see the comment on bindings.Error", got, err, want)
	}
	if e := wantScriptError(t, handle(t, h, "acme.contacts.get {}")); !reflect.DeepEqual(e.App, set) {
		t.Errorf("the error left the script as %+v, expected %+v: see the comment on bindings.Error", *e.App, *set)
	}
	document, err := os.ReadFile("../../scripts/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(document), "**App errors** are tables")
	_, list, _ = strings.Cut(list, "`")
	list, _, _ = strings.Cut(list, "`")
	described := strings.Fields(list)
	slices.Sort(described)
	if !slices.Equal(described, names) {
		t.Errorf("section 4 of scripts/README.md lists %s, expected %s", described, names)
	}
}

func TestTryRaisesOtherErrors(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `return try(function() return 1, 2 end)`, want: "1"},
		{lua: `return select("#", try(function() return 1, 2 end))`, want: "2"},
		{lua: `try(function() end)`, want: "true"},
		{lua: `return try(function() return false end)`, want: "false"},
		{lua: `try(function() error("bug") end)`, err: "crm.lua:3: bug"},
		{lua: `try(function() error({ kind = "not_found" }) end)`, err: "an error that is a table"},
		{lua: `try(acme.contacts.get({}))`, err: "try: the first argument must be a function, without calling it"},
		{lua: `try(function() error(setmetatable({ kind = "x" }, { ["app error"] = true })) end)`, err: "an error that is a table"},
	})
}

func TestEach(t *testing.T) {
	page := func(items, next string) string { return `{"items":` + items + `,"next":` + next + `}` }
	tests := []struct {
		name, lua, want string
		steps           []string
	}{
		{"all pages", `for c in each(acme.contacts.list, { limit = 2, filter = { email = "a" } }) do out[#out + 1] = c.id end`,
			`["c1","c2","c3"]`, []string{
				`{"limit":2,"filter":{"email":"a"}}`,
				`{"limit":2,"filter":{"email":"a"},"startAfter":"x","z":1}`,
				`{"limit":2,"filter":{"email":"a"},"startAfter":"y","z":1}`,
			}},
		{"limit", `for c in each(acme.contacts.list, {}, { limit = 1 }) do out[#out + 1] = c.id end`, `["c1"]`, []string{`{}`}},
		{"pages", `for c in each(acme.contacts.list, nil, { pages = 1 }) do out[#out + 1] = c.id end`, `["c1","c2"]`, []string{`{}`}},
		{"nulls", `for c in each(acme.contacts.list, {}, { nulls = true, limit = 3 }) do out[#out + 1] = tostring(c.email) end`, `["nil","nil","null"]`, []string{
			`{}`, `{"startAfter":"x","z":1}`, `{"startAfter":"y","z":1}`,
		}},
		{"a limit of none", `for c in each(acme.contacts.list, {}, { limit = 0 }) do out[#out + 1] = c.id end`, `[]`, nil},
		{"declared types", `for c in each(acme.contacts.list) do out[#out + 1] = c.balance or json.null end`, `["1.50",null,null]`, []string{
			`{}`, `{"startAfter":"x","z":1}`, `{"startAfter":"y","z":1}`,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHost()
			h.answers["acme.contacts.list"] = []string{
				page(`[{"id":"c1","balance":1.50},null,{"id":"c2"}]`, `{"startAfter":"x","z":1}`),
				page(`[]`, `{"startAfter":"y"}`),
				page(`[{"id":"c3","email":null}]`, `null`),
			}
			got, err := evaluate(t, h, "local out = json.array(); "+test.lua+"; return out")
			if err != nil || got != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
			var steps []string
			for _, s := range h.steps {
				if s.Kind != vm.StepPage {
					t.Errorf("step of kind %s", s.Kind)
				}
				steps = append(steps, string(s.Args))
			}
			if strings.Join(steps, "\n") != strings.Join(test.steps, "\n") {
				t.Errorf("pages asked for:\n%s\nwant:\n%s", strings.Join(steps, "\n"), strings.Join(test.steps, "\n"))
			}
		})
	}
}

// TestEachSecrets checks that a secret in the arguments is sent with every
// page, except where the page itself replaced it.
func TestEachSecrets(t *testing.T) {
	h := newHost()
	h.answers["acme.contacts.list"] = []string{`{"items":[{}],"next":{"startAfter":"x"}}`, `{"items":[{}]}`}
	err := handle(t, h, `for c in each(acme.contacts.list, { startAfter = secret "a", filter = { email = secret "b" } }) do end`)
	if err != nil {
		t.Fatal(err)
	}
	if len(h.steps) != 2 || len(h.steps[0].Secrets) != 2 || len(h.steps[1].Secrets) != 1 || h.steps[1].Secrets["/filter/email"] == nil {
		t.Errorf("steps %+v", h.steps)
	}
	if want := `{"startAfter":"x","filter":{"email":"secret:b"}}`; string(h.steps[1].Args) != want {
		t.Errorf("args %s; want %s", h.steps[1].Args, want)
	}
}

func TestEachErrors(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `each(acme.forms.list)`, err: "each: acme.forms.list returns no list in pages; call it and read its answer"},
		{lua: `each(acme.contacts.list({}))`, err: "each: the first argument must be an operation such as"},
		{lua: `each(acme.contacts.list, {}, { limt = 3 })`, err: `each(acme.contacts.list): unknown option "limt"; did you mean limit?`},
		{lua: `each(acme.contacts.list, {}, { limit = -1 })`, err: "the option limit must be a whole number from 0"},
		{lua: `each(acme.contacts.list, {}, { pages = 0 })`, err: "the option pages must be a whole number from 1"},
	})
	h := newHost()
	h.answers["acme.contacts.list"] = []string{`{"items":[],"next":{"startAfter":"x"}}`}
	err := handle(t, h, `for c in each(acme.contacts.list) do end`)
	if want := "each(acme.contacts.list) has read 1,000 pages and there are more; set { pages = n }"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v; want %q", err, want)
	}
	if len(h.steps) != 1000 {
		t.Errorf("%d pages; want 1,000", len(h.steps))
	}
}

// TestModuleShared reads the same modules in many runs at once, for the race
// detector.
func TestModuleShared(t *testing.T) {
	m := vm.New(vm.Config{Apps: []*bindings.App{testApp(t)}, Slots: 4})
	p := compileCRM(t, m, `local acme = require "acme"
on("acme.contact.created", function(event)
  for name, group in pairs(acme) do for op in pairs(group) do assert(group[op]) end end
  acme.contacts.upsert { email = event.data.email, tags = json.array() }
end)`)
	done := make(chan error)
	for range 8 {
		go func() {
			h := newHost()
			done <- m.Run(t.Context(), p, vm.Activation{Event: json.RawMessage(`{"data":{"email":"a"}}`), Host: h}).Err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
