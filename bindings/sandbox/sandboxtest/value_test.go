package sandboxtest_test

import (
	"testing"

	"github.com/tidewire/tidewire/bindings/sandbox/sandboxtest"
)

func TestValue(t *testing.T) {
	const document = `{"a":{"b.c":[{"n":"x"},{"n":2},{}]},"yes":true,"none":null}`
	for path, want := range map[string]string{
		`a.b\.c.0.n`: "x", `a.b\.c.1.n`: "2", `a.b\.c.#`: "3", `a.b\.c.#.n`: `["x",2]`, `a.b\.c.7.n`: "", "yes": "true", "none": "", "yes.n": "", "b": "",
		`a.b\.c.2`: "{}",
	} {
		if got := sandboxtest.Value(document, path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if got := sandboxtest.Value("no JSON", "a"); got != "" {
		t.Errorf("got %q of no JSON", got)
	}
}
