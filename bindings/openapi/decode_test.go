package openapi

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

// FuzzAppFile checks that every app file is read or refused, and that its texts
// are those in the file.
func FuzzAppFile(f *testing.F) {
	for _, source := range []string{
		appTemplate, "title: 0123\nlimits: [{ requests: 10, per: 1s }]", "auth: [{ name: a, fields: [b], oauth: { scopes: { default: [x] } } }]",
		"polls: [{ of: { of: { list: { args: { a: 1.5 } } } }, every: 5m }]", "triggers: { a.b.c: { data: '[#X]' } }\noperations: { a.b: { key: true } }",
		"errors: { statuses: { 418: { kind: invalid } } }", "account: &a { noun: x }\ntest: { <<: *a }", "webhook: { signatures: [~, 1, { name: [] }] }",
	} {
		f.Add([]byte(source), "0x1F")
	}
	f.Fuzz(func(t *testing.T, source []byte, title string) {
		decode("a.app.yaml", source)
		if bindings.Snake(title) != title { // perhaps not one plain scalar
			return
		}
		content, err := decode("a.app.yaml", []byte("title: a"+title+"\n"))
		if err != nil || content.Title != "a"+title {
			t.Errorf("title: a%s: got %v, %v", title, content, err)
		}
	})
}

// TestAppFileKeys fails when a key of app files is removed or renamed, such as
// by renaming a field of bindings without a tag. New keys are added to the
// golden file by hand.
func TestAppFileKeys(t *testing.T) {
	types := map[reflect.Type]bool{}
	var lines []string
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			visit(typ.Elem())
		case reflect.Struct:
			if types[typ] || typ == reflect.TypeFor[bindings.Type]() {
				return
			}
			types[typ] = true
			var keys []string
			for i := range typ.NumField() {
				if f := typ.Field(i); f.IsExported() {
					keys = append(keys, keyOf(f))
					visit(f.Type)
				}
			}
			slices.Sort(keys)
			lines = append(lines, strings.Join(keys, " "))
		}
	}
	visit(reflect.TypeFor[appFile]())
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	golden := filepath.Join("testdata", "keys.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the keys of app files are\n%sexpected\n%s", got, want)
	}
}
