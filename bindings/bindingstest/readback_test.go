package bindingstest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// TestReadBack finds fields that are refused in the form in which they are read.
func TestReadBack(t *testing.T) {
	const types = `type Inner {"fields":["a: string"]}
type Wider {"fields":["a: string","b: string"]}
type Open {"fields":["a: string"],"open":true}
type Value {"fields":["value: string"]}
type Named {"fields":["field_value: string"],"aliases":{"value":"field_value"}}
type Texts {"fields":["field_value: [string]"],"aliases":{"value":"field_value"}}
`
	for _, c := range []struct{ read, sent, want string }{
		{"string", "string", ""},
		{"int64", "integer", ""},
		{"decimal", "number", ""},
		{"number", "string", "f is read as number, and sent as string"},
		{"boolean", "string", "f is read as boolean, and sent as string"},
		{"string", `\"a\"|\"b\"`, ""},
		{`\"a\"`, `\"a\"|\"b\"`, ""},
		{`\"a\"|\"c\"`, `\"a\"|\"b\"`, `f may be "c", and only "a", "b" are sent`},
		{"[string]", "[string]", ""},
		{"[number]", "[string]", "f[] is read as number, and sent as string"},
		{"[string]", "string", "f is read as [string], and sent as string"},
		{"string|[string]", "[string]", "f is read as string, and sent as [string]"},
		{"string", "string|[string]", ""},
		{"#Inner", "#Wider", ""},
		{"#Wider", "#Inner", "f.b is read, and unknown when it is sent"},
		{"#Wider", "#Open", ""},
		{"#Wider", "{string}", ""},
		{"#Wider", "{number}", "f.a is read as string, and sent as number\nf.b is read as string, and sent as number"},
		{"#Wider", "object", ""},
		{"#Inner", "string", "f is read as #Inner, and sent as string"},
		{"#Value", "#Named", ""},
		{"[#Value]", "[#Texts|#Named]", ""},
		{"#Value", "#Texts", "f.value is read as string, and sent as [string]"},
		{"[any]", "[#Named]", ""},
	} {
		for _, answer := range []string{"#Record", "#Answer"} {
			text := fmt.Sprintf(`operation things.get {"id":"g","method":"GET","path":"/things/{id}","in_path":["id!: string"],"answer":"%s"}
operation things.update {"id":"u","method":"PUT","path":"/things/{id}","in_path":["id!: string"],"body":{"encoding":"json","type":"#Changed"}}
type Answer {"fields":["record: #Record","traceId: string"]}
type Record {"fields":["id: string","f: %s"]}
type Changed {"fields":["f: %s","other: string"]}
`, answer, c.read, c.sent) + types
			catalogue, err := bindings.ParseCatalogue([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := catalogue.Check(); err != nil {
				t.Fatal(err)
			}
			want := ""
			for line := range strings.SplitSeq(c.want, "\n") {
				if line != "" {
					want += "things.update, from things.get: " + line + "\n"
				}
			}
			if got := strings.Join(readBackProblems(catalogue), ""); got != want {
				t.Errorf("%s, sent as %s:\ngot      %q\nexpected %q", c.read, c.sent, got, want)
			}
		}
	}
}
