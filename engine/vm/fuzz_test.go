package vm

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"

	lua "github.com/yuin/gopher-lua"
)

// FuzzJSON checks that the decoder accepts all JSON and nothing else, and that
// a decoded value does not change when it is encoded and decoded again.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{
		`{"a":[1,-2.5e3,null,true,"x\u00e9\ud83d\ude00"],"a":{},"":"\\"}`, `[[],{},[{"b":null}]]`, `-0`, `1e400`, `12345678901234567890`,
		`"` + "\xff" + `"`, `{"a" : 1 , "b":[ ] }`, `[1,]`, `{"a":1,}`, `01`, `"\u12"`, " null ", `{"1":"a","2":"b"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := (&decoder{text: text}).decode(nil)
		if valid := json.Valid(text); valid != (err == nil) && !(err != nil && strings.Contains(err.Error(), "deep")) {
			t.Fatalf("decode: %v; json.Valid: %v", err, valid)
		}
		if err != nil || v == lua.LNil {
			return
		}
		var first encoder
		if err := first.encode(v, nil); err != nil {
			t.Fatalf("encode: %v", err)
		}
		if !json.Valid(first.out) {
			t.Fatalf("encoded %s, which is not JSON", first.out)
		}
		again, err := (&decoder{text: first.out, fromEncoder: true}).decode(nil)
		if err != nil {
			t.Fatalf("decode %s again: %v", first.out, err)
		}
		var second encoder
		if err := second.encode(again, nil); err != nil || !bytes.Equal(first.out, second.out) {
			t.Fatalf("%s became %s, %v", first.out, second.out, err)
		}
	})
}

func FuzzMapPath(f *testing.F) {
	for _, seed := range []string{"a.b", "a.1.b", "list[2]", `["a.b"].c`, "a..b", "[", "a.", ".a", "a[1", "['x'][1]", "1.1.1", "[0]"} {
		f.Add(seed)
	}
	d := decoder{text: []byte(`{"a":{"b":1,"1":{"b":2}},"list":[1,[2]],"a.b":{"c":null},"1":[[[3]]],"x":"text"}`)}
	source, err := d.decode(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseMapPath(text)
		if err != nil {
			return
		}
		if len(p.parts) == 0 {
			t.Fatalf("%q has no parts", text)
		}
		var names []string
		for _, part := range p.parts {
			names = append(names, part.name)
		}
		if plain := strings.Join(names, "."); !strings.ContainsAny(text, "[") && plain != text {
			t.Fatalf("%q was read as %q", text, plain)
		}
		v, err := p.find(source)
		if v == nil || err != nil && v != lua.LNil {
			t.Fatalf("%q found %v, %v", text, v, err)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, seed := range []string{
		"2026-12-01T09:00:00Z", "2026-12-01 09:00", "3 days", "1h30m", "1.5 weeks and 2 s", "%Y-%m-%dT%H:%M:%S%z", "%-d %B", "9e9 years", "%", "-1 day",
	} {
		f.Add(seed)
	}
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		f.Fatal(err)
	}
	base := time.Date(2026, 10, 24, 12, 30, 15, 0, zone)
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := parseTime(text, zone); ok {
			again, ok := parseTime(formatTime(at), zone)
			if year := at.UTC().Year(); year > 0 && year < 10000 && (!ok || !again.Equal(at)) {
				t.Fatalf("%q is %v, and %v after it was formatted and parsed", text, at, again)
			}
		}
		if s, err := parseSpan(text); err == nil {
			if after := s.after(base, zone); after.Before(base) {
				t.Fatalf("%q after %v is %v", text, base, after)
			}
			if before := s.before(base, zone); before.After(base) {
				t.Fatalf("%q before %v is %v", text, base, before)
			}
		}
		if written, err := strftime(text, base); err == nil && len(text) < 100 {
			if at, ok, err := strptime(text, written, zone); err == nil && ok && at.Year() == 2026 && strings.Contains(text, "%T") && strings.Contains(text, "%F") && !at.Equal(base) {
				t.Fatalf("%q wrote %q and read %v", text, written, at)
			}
		}
	})
}

// FuzzDecimal compares sums, products and comparisons with exact fractions.
func FuzzDecimal(f *testing.F) {
	for _, seed := range [][2]string{{"1.50", "-0.005"}, {"1e3", "2E-3"}, {"+.5", "5."}, {"", "-"}, {"1e-999", "9"}, {"0x1", "1_0"}} {
		f.Add(seed[0], seed[1])
	}
	fraction := func(d decimal) *big.Rat {
		r, ok := new(big.Rat).SetString(d.String())
		if !ok {
			f.Fatalf("%q is no number", d.String())
		}
		return r
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		a, err := parseDecimal(one)
		if err != nil {
			return
		}
		b, err := parseDecimal(two)
		if err != nil {
			return
		}
		x, y := fraction(a), fraction(b)
		if fraction(a.add(b)).Cmp(new(big.Rat).Add(x, y)) != 0 || fraction(a.mul(b)).Cmp(new(big.Rat).Mul(x, y)) != 0 || a.compare(b) != x.Cmp(y) {
			t.Fatalf("%s and %s: sum %s, product %s, comparison %d", a, b, a.add(b), a.mul(b), a.compare(b))
		}
		for _, mode := range []rounding{halfUp, halfEven, down, up} {
			off := new(big.Rat).Sub(fraction(a.round(2, mode)), x)
			if off.Abs(off).Cmp(big.NewRat(1, 100)) >= 0 {
				t.Fatalf("%s rounded %s is %s", a, mode, a.round(2, mode))
			}
		}
	})
}
