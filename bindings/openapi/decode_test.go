package openapi

import (
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// FuzzAppFile shows that every app file is read or refused, and that its texts
// are what stands there.
func FuzzAppFile(f *testing.F) {
	for _, source := range []string{
		rest, "title: 0123\nlimits: [{ requests: 10, per: 1s }]", "auth: [{ name: a, fields: [b], oauth: { scopes: { default: [x] } } }]",
		"polls: [{ of: { of: { list: { args: { a: 1.5 } } } }, every: 5m }]", "triggers: { a.b.c: { data: '[#X]' } }\noperations: { a.b: { key: true } }",
		"errors: { statuses: { 418: { kind: invalid } } }", "account: &a { noun: x }\ntest: { <<: *a }", "webhook: { signatures: [~, 1, { name: [] }] }",
	} {
		f.Add([]byte(source), "0x1F")
	}
	f.Fuzz(func(t *testing.T, source []byte, title string) {
		decode("a.app.yaml", source)
		if bindings.Snake(title) != title { // it may be more than one plain scalar
			return
		}
		said, err := decode("a.app.yaml", []byte("title: a"+title+"\n"))
		if err != nil || said.Title != "a"+title {
			t.Errorf("title: a%s gives %v, %v", title, said, err)
		}
	})
}
