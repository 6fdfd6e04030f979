package bindings_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/bindings"
)

func TestTypeText(t *testing.T) {
	for _, text := range []string{
		"string", "[string]", "{number}", "[[#Contact]]", "{#Contact.address}",
		`"paid"|"open"`, `1|2|"a|b"`, "string|[string]", `"x"|#Contact|[#Note]`, "any", "file",
	} {
		parsed, err := bindings.ParseType(text)
		if err != nil {
			t.Errorf("ParseType(%q): %v", text, err)
			continue
		}
		if got := parsed.String(); got != text {
			t.Errorf("ParseType(%q) prints as %q", text, got)
		}
	}
}

func TestTypeTextErrors(t *testing.T) {
	for _, text := range []string{"", "strin", "[string", "{string]", "#", "string|", "string]", `"open`, "[]", "integer5"} {
		if got, err := bindings.ParseType(text); err == nil {
			t.Errorf("ParseType(%q) = %v, expected an error", text, got)
		}
	}
}

// The error of an unknown type lists the types.
func TestUnknownType(t *testing.T) {
	_, err := bindings.ParseType("text")
	if err == nil || !strings.Contains(err.Error(), `type "text": expected a type (string, number, integer, int64, decimal, boolean, any, object, file, [TYPE]`) {
		t.Error(err)
	}
}

func TestFieldText(t *testing.T) {
	for _, text := range []string{
		"email: string", "id!: string", "filter[email]: string", "status[]!: [string]", `"with space"!: #A`, `type: "a"|"b"`,
	} {
		field, err := bindings.ParseField(text)
		if err != nil {
			t.Errorf("ParseField(%q): %v", text, err)
			continue
		}
		if got := field.String(); got != text {
			t.Errorf("ParseField(%q) prints as %q", text, got)
		}
	}
}

func FuzzParseField(f *testing.F) {
	for _, seed := range []string{"email: string", `"a b"!: [#C]|"x"|1`, "s[]: {[int64]}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		field, err := bindings.ParseField(text)
		if err != nil {
			return
		}
		again, err := bindings.ParseField(field.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which does not parse: %v", text, field, err)
		}
		if again.String() != field.String() {
			t.Fatalf("%q prints as %q, then %q", text, field, again)
		}
	})
}
