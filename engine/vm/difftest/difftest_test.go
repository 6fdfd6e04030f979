package difftest

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

func TestGenerate(t *testing.T) {
	for seed := range uint64(200) {
		for _, plain := range []bool{false, true} {
			a, b := Generate(seed, nil).Source(plain), Generate(seed, nil).Source(plain)
			if a != b {
				t.Fatalf("seed %d gives two programs:\n%s\nand\n%s", seed, a, b)
			}
		}
	}
}

// TestWithout leaves out each group and searches the programs for what only
// that group has.
func TestWithout(t *testing.T) {
	for group, part := range map[string]string{
		"big":     "local big0",
		"closure": "local fs",
		"flush":   strings.Repeat("1, ", 49),
		"goto":    "goto ",
		"meta":    "__add = ",
		"octal":   "010",
	} {
		if !slices.Contains(Groups, group) {
			t.Errorf("%q is not one of Groups", group)
		}
		with, without := 0, 0
		for seed := range uint64(300) {
			if strings.Contains(Generate(seed, nil).Source(false), part) {
				with++
			}
			if strings.Contains(Generate(seed, map[string]bool{group: true}).Source(false), part) {
				without++
			}
		}
		if with == 0 || without > 0 {
			t.Errorf("%d programs have %q, and %d without the group %s; want some and none", with, part, without, group)
		}
	}
}

func TestReduce(t *testing.T) {
	const wanted = "string.format("
	for seed := range uint64(1000) {
		p := Generate(seed, nil)
		if !strings.Contains(p.Source(false), wanted) {
			continue
		}
		reduced := Reduce(p, func(variants []*Program) int {
			return slices.IndexFunc(variants, func(v *Program) bool { return strings.Contains(v.Source(false), wanted) })
		})
		if s := reduced.Source(false); !strings.Contains(s, wanted) || len(s) > 120 {
			t.Errorf("seed %d was reduced to\n%s", seed, s)
		}
		return
	}
	t.Fatalf("no program has %q", wanted)
}

func TestReference(t *testing.T) {
	r, err := NewReference()
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("lua5.1 is not installed")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, c := range []struct {
		body string
		want Result
	}{
		{`out(1, "a", { x = 2 }, -0)`, Result{Status: "ok", Trace: []string{`1 "a" {"x"=2} 0`}}},
		{`error("!one")`, Result{Status: "raised !one"}},
		{`error({})`, Result{Status: "raised table"}},
		{`nothing()`, Result{Status: "raised error"}},
		{"out(caught(pcall(function()\nerror('!two') end)))", Result{Status: "ok", Caught: true, Trace: []string{`false "!two"`}, Lines: []string{"2"}}},
		{`while true do pcall(error) end`, Result{Status: "limit"}},
		{`local s = "x" while true do s = s .. s end`, Result{Status: "limit"}},
		{`while true do out() end`, Result{Status: "limit"}},
	} {
		got, err := r.Run([]string{`on("in:/diff", function() ` + c.body + " end)"}, func() {})
		if err != nil {
			t.Fatalf("%s: %v", c.body, err)
		}
		same := got[0].Status == c.want.Status
		if c.want.Status != "limit" {
			same = same && got[0].Caught == c.want.Caught && Difference(got[0], c.want, true) == ""
		}
		if !same {
			t.Errorf("%s gives %+v, want %+v", c.body, got[0], c.want)
		}
	}
	got, err := r.Run([]string{"x ="}, func() {})
	if err != nil || got[0].Status != "syntax" || got[0].Detail == "" {
		t.Errorf("a syntax error gives %+v, %v", got, err)
	}
}
