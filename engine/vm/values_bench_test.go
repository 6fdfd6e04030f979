package vm

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// benchContact is a contact of about 2 KB.
var benchContact = func() []byte {
	var fields, tags []string
	for i := range 20 {
		fields = append(fields, fmt.Sprintf(`{"id":"field%020d","value":"value of a custom field"}`, i))
	}
	for i := range 8 {
		tags = append(tags, fmt.Sprintf(`"tag number %d"`, i))
	}
	return fmt.Appendf(nil, `{"contact":{"id":"ocQHyuzHvysMo5N5VsXc","locationId":"C2QujeCh8ZnC7al2InWR","firstName":"Ada","lastName":"Lovelace",
"email":"ada@example.com","phone":"+33600000000","companyName":null,"dnd":false,"balance":1250.50,"score":17,"dateAdded":"2026-11-23T10:00:00.000Z",
"address":{"street":"1 rue de la Paix","city":"Paris","postalCode":"75002","country":"FR"},"tags":[%s],"customFields":[%s]}}`,
		strings.Join(tags, ","), strings.Join(fields, ","))
}()

const benchCatalogue = `
type Answer {"fields":["contact: #Contact"]}
type Contact {"fields":["id: string","locationId: string","firstName: string","lastName: string","email: string","phone: string","companyName: string","dnd: boolean","balance: decimal","score: number","dateAdded: string","address: #Address","tags: [string]","customFields: [#CustomField]"]}
type Address {"fields":["street: string","city: string","postalCode: string","country: string"]}
type CustomField {"fields":["id: string","value: any"]}
`

func BenchmarkDecodeContact(b *testing.B) {
	catalogue, err := bindings.ParseCatalogue([]byte(benchCatalogue))
	if err != nil {
		b.Fatal(err)
	}
	declared := &bindings.Type{Kind: bindings.Named, Name: "Answer"}
	b.SetBytes(int64(len(benchContact)))
	b.ReportAllocs()
	for b.Loop() {
		d := decoder{text: benchContact, catalogue: catalogue}
		if _, err := d.decode(declared); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeContactStd is the same with encoding/json, to a map.
func BenchmarkDecodeContactStd(b *testing.B) {
	b.SetBytes(int64(len(benchContact)))
	b.ReportAllocs()
	for b.Loop() {
		var v map[string]any
		if err := json.Unmarshal(benchContact, &v); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeContact(b *testing.B) {
	v, err := (&decoder{text: benchContact}).decode(nil)
	if err != nil {
		b.Fatal(err)
	}
	out := []byte{}
	b.SetBytes(int64(len(benchContact)))
	b.ReportAllocs()
	for b.Loop() {
		e := encoder{out: out[:0]}
		if err := e.encode(v, nil); err != nil {
			b.Fatal(err)
		}
		out = e.out
	}
}

// BenchmarkMapContact maps the contact many times inside one run.
func BenchmarkMapContact(b *testing.B) {
	m := New(Config{})
	p, err := m.Compile("map.lua", func(string) ([]byte, error) {
		return []byte(`
local to_client = map {
  name = required(function(c) return c.firstName .. " " .. c.lastName end),
  email = "email", phone = "phone", city = "address.city", zip = "address.postalCode",
  source = const "HighLevel", tag = "tags.1", balance = "balance",
  company = when({ dnd = false }, "companyName"),
}
on("in:/x", function(event)
  local contact = event.data.contact
  for i = 1, params.n do to_client(contact) end
end)`), nil
	})
	if err != nil {
		b.Fatal(err)
	}
	event := json.RawMessage(`{"data":` + string(benchContact) + `}`)
	b.ReportAllocs()
	b.ResetTimer()
	out := m.Run(b.Context(), p, Activation{
		Settings: Settings{Params: fmt.Appendf(nil, `{"n":%d}`, b.N)}, Event: event,
		Limits: Limits{Instructions: 1 << 50, Memory: 1 << 40, Time: 1 << 40},
	})
	if out.Err != nil {
		b.Fatal(out.Err)
	}
}
