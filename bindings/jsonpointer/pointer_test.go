package jsonpointer_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/tidewire/tidewire/bindings/jsonpointer"
)

func TestPointer(t *testing.T) {
	for pointer, names := range map[string][]string{
		"":                nil,
		"/":               {""},
		"//":              {"", ""},
		"/contact/tags/0": {"contact", "tags", "0"},
		"/paths/~1a~1{b}": {"paths", "/a/{b}"},
		"/m~0n":           {"m~n"},
		"/~01":            {"~1"}, // not "/"
		"/~00":            {"~0"},
		"/~1~0~1":         {"/~/"},
		"/a.b/c%d":        {"a.b", "c%d"},
		"/ ":              {" "},
	} {
		if got := jsonpointer.Join(names...); got != pointer {
			t.Errorf("Join(%q) is %q, want %q", names, got, pointer)
		}
		if got := jsonpointer.Split(pointer); !slices.Equal(got, names) {
			t.Errorf("Split(%q) is %q, want %q", pointer, got, names)
		}
	}
	for invalid, names := range map[string][]string{
		"a/b": {"a", "b"},
		"/~2": {"~2"},
		"/a~": {"a~"},
		"~1a": {"/a"},
	} {
		if got := jsonpointer.Split(invalid); !slices.Equal(got, names) {
			t.Errorf("Split(%q) is %q, want %q", invalid, got, names)
		}
	}
}

var valid = regexp.MustCompile(`^(/([^~/]|~0|~1)*)*$`)

// FuzzSplit checks that names survive, and that a valid pointer is written as it
// was read.
func FuzzSplit(f *testing.F) {
	f.Add("/a~1b/~0", "~1", "/")
	f.Add("a~2//", "~", "")
	f.Fuzz(func(t *testing.T, pointer, first, second string) {
		names := jsonpointer.Split(pointer)
		if again := jsonpointer.Split(jsonpointer.Join(names...)); !slices.Equal(again, names) {
			t.Errorf("%q has the names %q, and written again %q", pointer, names, again)
		}
		if again := jsonpointer.Join(names...); again != pointer && valid.MatchString(pointer) {
			t.Errorf("%q is written as %q", pointer, again)
		}
		if got := jsonpointer.Split(jsonpointer.Join(first, second)); !slices.Equal(got, []string{first, second}) {
			t.Errorf("%q and %q are read as %q", first, second, got)
		}
	})
}
