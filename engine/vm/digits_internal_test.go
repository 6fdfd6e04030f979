package vm

import (
	"encoding/json"
	"math/big"
	"testing"

	lua "github.com/yuin/gopher-lua"
	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/bindings"
)

// TestDecodeDigits decodes numbers of declared types. A number that a float64 does not
// have with all digits arrives as text.
func TestDecodeDigits(t *testing.T) {
	tests := []struct {
		kind    bindings.Kind
		literal string
		text    bool
	}{
		{bindings.Number, "0.1", false},
		{bindings.Number, "0.30000000000000004", false},
		{bindings.Number, "-1.50000000000000000000", false},
		{bindings.Number, "1e21", false},
		{bindings.Number, "12345678901234567000000", true},
		{bindings.Number, "100000000000000000000000", false},
		{bindings.Number, "0.000000000000000000000", false},
		{bindings.Number, "9007199254740993", true},
		{bindings.Number, "9007199254740992", false},
		{bindings.Number, "0.12345678901234567890", true},
		{bindings.Number, "1234567890.123456789", true},
		{bindings.Number, "1e400", true},
		{bindings.Integer, "9007199254740991", false},
		{bindings.Integer, "9007199254740993", true},
		{bindings.Integer, "-9007199254740993", true},
		{bindings.Int64, "1", true},
		{bindings.Int64, "-9223372036854775808", true},
		{bindings.Any, "9007199254740993", true},
		{bindings.Any, "0.12345678901234567890", false},
	}
	for _, test := range tests {
		v, err := (&decoder{text: []byte(test.literal)}).decode(&bindings.Type{Kind: test.kind})
		if err != nil {
			t.Fatal(err)
		}
		if text, isText := v.(lua.LString); isText != test.text || isText && string(text) != test.literal {
			t.Errorf("%s of kind %v is %v (%s)", test.literal, test.kind, v, v.Type())
		}
	}
}

// TestSameDigits compares with exact arithmetic.
func TestSameDigits(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		literal := rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?(e[+-]?[0-9]{1,2})?`).Draw(r, "literal")
		v, err := (&decoder{text: []byte(literal)}).decode(&bindings.Type{Kind: bindings.Number})
		if err != nil {
			r.Fatal(err)
		}
		n, isNumber := v.(lua.LNumber)
		if !isNumber {
			return
		}
		short, err := json.Marshal(float64(n))
		if err != nil {
			r.Fatal(err)
		}
		want, _ := new(big.Rat).SetString(literal)
		if got, _ := new(big.Rat).SetString(string(short)); got.Cmp(want) != 0 {
			r.Fatalf("%s became the number %s", literal, short)
		}
	})
}
