package call_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/all"
	"github.com/tidewire/tidewire/engine/call"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		operation, args string
		want            string // the first line of the message; empty: nothing is wrong
	}{
		{"contacts.get", `{"contactId":"c1"}`, ""},
		{"contacts.get", `{"contactID":"c1"}`, `unknown argument "contactID"; did you mean "contactId"?`},
		{"contacts.get", `{}`, `missing argument "contactId"`},
		{"contacts.get", ``, `missing argument "contactId"`},
		{"contacts.get", `[]`, `missing argument "contactId"`},
		{"contacts.get", `["c1"]`, `expected a table of arguments, found a list`},
		{"contacts.get", `{"contactId":null}`, `missing argument "contactId"`},
		{"contacts.get", `{"contactId":12}`, ""}, // in a path all is text
		{"contacts.get", `{"contactId":["c1"]}`, `argument "contactId": expected a string, found a list`},
		{"contacts.get", `{"contactId":"c1","wholly":1}`, `unknown argument "wholly"`},
		{"contacts.get", `{`, `the arguments are not JSON`},
		{"ping.now", `{"wholly":1}`, `unknown argument "wholly"; it takes none`},

		{"contacts.create_task", `{"contactId":"c1","title":"Call","dueDate":"2026-01-01","completed":false}`, ""},
		{"contacts.create_task", `{"contactId":"c1","titel":"Call"}`,
			`unknown argument "titel"; did you mean "title"?; missing argument "dueDate"; missing argument "completed"`},
		{"contacts.create_task", `{"contactId":"c1","title":true,"dueDate":5,"completed":"no"}`,
			`argument "title": expected a string, found a boolean; argument "dueDate": expected a string, found the number 5; argument "completed": expected true or false, found a string`},

		{"contacts.create", `{"kind":"companie"}`, `argument "kind": expected one of "company", "individual", found "companie"; did you mean "company"?`},
		{"contacts.create", `{"kind":4}`, `argument "kind": expected one of "company", "individual", found 4`},
		{"contacts.create", `{"tags":["a",3]}`, `field "tags[2]": expected a string, found the number 3`},
		{"contacts.create", `{"tags":"a"}`, `argument "tags": expected a list, found a string`},
		{"contacts.create", `{"owner":{"role":"x"}}`, `missing field "owner.id"`},
		{"contacts.create", `{"owner":{"id":"1","rol":"x"}}`, `unknown field "owner.rol"; did you mean "owner.role"?`},
		{"contacts.create", `{"owner":{"id":"1","zzzz":"x"}}`, `unknown field "owner.zzzz"; expected id, role`},
		{"contacts.create", `{"owner":"me"}`, `argument "owner": expected a table with id, role, found a string`},
		{"contacts.create", `{"address":{"city":"Paris","planet":"Earth"}}`, ""}, // open
		{"contacts.create", `{"address":{"city":5}}`, `field "address.city": expected a string, found the number 5`},
		{"contacts.create", `{"extra":["a"]}`, ""},
		{"contacts.create", `{"extra":[1]}`, `field "extra[1]": expected a string, found the number 1`},
		{"contacts.create", `{"extra":true}`, `argument "extra": expected a string, or a list, found a boolean`},
		{"contacts.create", `{"custom":[{"id":"f","field_value":"a"},{"id":"f","value":"a"},{"id":"f","value":["a"]},{"id":"f","value":1}]}`, ""},
		{"contacts.create", `{"custom":[{"id":"f","valeu":"a"}]}`, `unknown field "custom[1].valeu"; expected id, field_value`},
		{"contacts.create", `{"custom":[{"value":"a"}]}`, `missing field "custom[1].id"`},
		{"contacts.create", `{"custom":[{"id":"f","value":true}]}`, `field "custom[1].value": expected a string, or a list, or a number, found a boolean`},
		{"contacts.create", `{"custom":[{"id":"f","value":[1]}]}`, `field "custom[1].value[1]": expected a string, found the number 1`},
		{"contacts.create", `{"custom":["a"]}`, `field "custom[1]": expected a table with id, field_value, found a string`},
		{"contacts.create", `{"custom":[{"id":"f","value":"a","field_value":"a"}]}`, `field "custom[1].value": expected only one of it and "field_value", which is the same field`},
		{"contacts.create", `{"name":null}`, ""}, // empties the field
		{"contacts.create", `{"score":"high"}`, `argument "score": expected a number, found a string`},

		{"numbers.form", `{"whole":"12","real":"-1.5e3","big":"-1"}`, ""},
		{"numbers.form", `{"whole":"012"}`, `argument "whole": expected a whole number, found a string`},
		{"numbers.form", `{"whole":"1.0"}`, `argument "whole": expected a whole number, found a string`},
		{"numbers.form", `{"big":"+1"}`, `argument "big": expected a whole number, or its digits as a string, found a string`},
		{"numbers.form", `{"real":" 1"}`, `argument "real": expected a number, found a string`},
		{"numbers.form", `{"real":"0x10"}`, `argument "real": expected a number, found a string`},
		{"numbers.form", `{"real":"true"}`, `argument "real": expected a number, found a string`},
		{"contacts.list", `{"locationId":"l","filter":{"email":"a@b"},"status":["open"]}`, ""},
		{"contacts.list", `{"locationId":"l","filter[email]":"a@b","status[]":["won"]}`, ""},
		{"contacts.list", `{"locationId":"l","filter":{"emial":"a@b"}}`, `unknown argument "filter.emial"; did you mean "filter.email"?`},
		{"contacts.list", `{"locationId":"l","filter":"a@b"}`, `argument "filter": expected a table with email, name, found a string`},
		{"contacts.list", `{"locationId":"l","status":["lost"]}`, `field "status[1]": expected one of "open", "won", found "lost"`},
		{"contacts.list", `{"locationId":"l","limit":20.0}`, ""},
		{"contacts.list", `{"locationId":"l","limit":"20"}`, ""},
		{"contacts.list", `{"locationId":"l","limit":2.5}`, `argument "limit": expected a whole number, found the number 2.5`},
		{"contacts.list", `{"locationId":"l","limit":"many"}`, `argument "limit": expected a whole number, found a string`},

		{"payments.transfer", `{"amount":"12.50","reference":"9007199254740993"}`, ""},
		{"payments.transfer", `{"amount":12.5,"reference":12,"count":3.0}`, ""},
		{"payments.transfer", `{"amount":"12,50"}`, `argument "amount": expected a decimal such as "12.50", found a string`},
		{"payments.transfer", `{"amount":"1","reference":"12.5"}`, `argument "reference": expected a whole number, or its digits as a string, found a string`},

		{"fields.put", `{"anything":{"goes":[1,2]}}`, ""},
		{"fields.numbers", `{"a":1,"b":2}`, ""},
		{"fields.numbers", `{"a":"one"}`, `argument "a": expected a number, found a string`},
		{"contacts.merge", `{"body":["a","b"]}`, ""},
		{"contacts.merge", `{"body":[1]}`, `field "body[1]": expected a string, found the number 1`},
		{"contacts.merge", `{}`, `missing argument "body"`},
		{"contacts.tag", `{"contactId":"c"}`, ""}, // the body may be left out
		{"contacts.tag", `{"contactId":"c","silent":true}`, `missing argument "tags"`},
		{"files.upload", `{"file":"bytes"}`, ""},
		{"files.upload", `{"file":{"name":"a.pdf","base64":"aGk="}}`, ""},
		{"files.upload", `{"file":{"path":"/etc/passwd"}}`, `argument "file": expected a file, a string, or a table { name, content_type, text or base64 }, found a table`},
	}
	vendor := app(t, "")
	for _, test := range tests {
		t.Run(test.operation+" "+test.args, func(t *testing.T) {
			op, _ := vendor.Catalogue.Operation(test.operation)
			err := call.Check(vendor, op, json.RawMessage(test.args))
			if test.want == "" {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			e := wantKind(t, err, bindings.Invalid, false)
			line, signature, _ := strings.Cut(e.Message, "\n")
			if line != test.want {
				t.Errorf("got  %s\nwant %s", line, test.want)
			}
			if want := "crm." + test.operation + " {"; !strings.HasPrefix(signature, want) {
				t.Errorf("the signature is %q, want it to begin with %q", signature, want)
			}
			mayBeRight := strings.Contains(line, "unknown ") || strings.Contains(line, `": expected `)
			if strings.Contains(signature, "{ check = false }") != mayBeRight {
				t.Errorf("for %q the way out is wrong: %s", line, signature)
			}
		})
	}
}

func TestSignature(t *testing.T) {
	tests := []struct{ operation, want string }{
		{"ping.now", `crm.ping.now {}`},
		{"contacts.get", `crm.contacts.get { contactId: string }`},
		{"contacts.create_task", `crm.contacts.create_task {
  contactId: string, title: string, dueDate: string, completed: boolean, body?: string,
  assignedTo?: string
}`},
		{"contacts.list", `crm.contacts.list {
  locationId?: string, limit?: integer, query?: string, filter?: { email?: string, name?: string },
  status?: ["open"|"won"], ids?: [string]
}`},
		{"contacts.merge", `crm.contacts.merge { body: [string] }`},
		{"fields.put", `crm.fields.put { … any other }`},
		{"payments.transfer", `crm.payments.transfer { amount: decimal, X-Note?: string, reference?: int64, count?: integer }`},
	}
	vendor := app(t, "")
	for _, test := range tests {
		op, _ := vendor.Catalogue.Operation(test.operation)
		if got := call.Signature(vendor, op); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// Every operation of every app has a signature, and a check that ends.
func TestEveryOperation(t *testing.T) {
	for _, app := range all.Apps() {
		for _, name := range app.Operations() {
			op, _ := app.Operation(name)
			if got := call.Signature(app, op); !strings.HasPrefix(got, app.Name+"."+name+" {") {
				t.Errorf("%s.%s: its signature is %q", app.Name, name, got)
			}
			if err := call.Check(app, op, json.RawMessage(`{"zzzzzzzz":{"a":[1,null,"x",{"b":true}]}}`)); err != nil {
				appError(t, err)
			}
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{
		`{"contactId":"c1"}`, `{"filter":{"email":[1]},"status":[{}]}`, `{"body":[[[]]]}`, `{"amount":"1e9","reference":1e400}`,
		`{"file":{"base64":"*"}}`, `{"owner":{"id":{"id":{}}}}`, `{"a":1,"a":2}`, `[[[[`, `{"\u0000":"\ud800"}`,
	} {
		f.Add(seed)
	}
	vendor := app(f, "")
	f.Fuzz(func(t *testing.T, args string) {
		for _, name := range vendor.Catalogue.Operations() {
			op, _ := vendor.Catalogue.Operation(name)
			err := call.Check(vendor, op, json.RawMessage(args))
			if err != nil && appError(t, err).Message == "" {
				t.Fatal("an error without a message")
			}
		}
	})
}
