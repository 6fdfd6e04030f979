package yamltext_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tidewire/tidewire/bindings/yamltext"
)

// read parses a file and returns its value as JSON, or its errors.
func read(source string) string {
	n, err := yamltext.Parse("f", []byte(source))
	if err != nil {
		return err.Error()
	}
	value, problems := yamltext.Value("f", n)
	if len(problems) > 0 {
		return problems[0].Error()
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestParse(t *testing.T) {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 9), ", "))
	}
	for source, want := range map[string]string{
		"":                                      "null",
		"# nothing":                             "null",
		"---\n...\n":                            "null",
		"\ufeffa: 1\r\nb: [x, 'y']\r\n":         `{"a":1,"b":["x","y"]}`,
		`{"a": 1.50, "b": "0123"}`:              `{"a":1.5,"b":"0123"}`,
		"a: |\n  0123\nb: >\n  1\n":             `{"a":"0123\n","b":"1\n"}`,
		"a: &x { b: 1 }\nc: *x":                 `{"a":{"b":1},"c":{"b":1}}`,
		"a: &x k\n*x : v":                       `{"a":"k","k":"v"}`,
		"a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}": `{"a":{"b":1,"c":2},"d":{"b":1,"c":3}}`,
		"a: &x {b: 1}\nc: &y {b: 2, d: 3}\ne: {<<: [*x, *y]}": `{"a":{"b":1},"c":{"b":2,"d":3},"e":{"b":1,"d":3}}`,
		"a: {'<<': 1}": `{"a":{"\u003c\u003c":1}}`,
		"a: !!str 012\nb: !!map {}\nc: !!seq []\nd: !!str ~": `{"a":"012","b":{},"c":[],"d":"~"}`,
		"a: !!seq {}":               "f:1: found the tag !!seq, which would change the value; take it away, and put a text in quotes",
		"a:\n  b: 1\n  b: 2":        `f:3: "b" is here a second time, after line 2; take one away`,
		"a:\n  channel: #general\n": `f:2: "channel" has no value, since what begins with # is a comment; put it in quotes, or a blank after #`,
		"{a: #b\n}":                 `{"a":null}`,
		"a: # none\nb: ## none\nc: #x\n  d: 1\ne: ~ #x\nf: g #x": `{"a":null,"b":null,"c":{"d":1},"e":null,"f":"g"}`,
		"a: 1\n---\nb: 1":                        "f:2: found a second document (---), expected one; join them",
		"a: 1\n---\nb: [":                        "f:3: not valid YAML: did not find expected node content",
		"a: *b":                                  "f: not valid YAML: unknown anchor 'b' referenced",
		"{[a]: b}":                               "f:1: found a list, expected a name before the colon",
		"{{}: b}":                                "f:1: found settings, expected a name before the colon",
		"~: b":                                   "f:1: found nothing, expected a name before the colon",
		"a: &x {b: 1}\nc:\n  <<: *x\n  <<: *x\n": "f:4: << is here a second time, after line 3; name all mappings in one list, such as [*a, *b]",
		"a: {phone: 0,5}\n":                      `f:1: "5" has no value, expected name: value; put a text with a comma or a colon in quotes`,
		"a: {x:1, y: 2}\n":                       `f:1: "x:1" has no value, expected name: value; put a text with a comma or a colon in quotes`,
		"a:\n- b\n- #team\n":                     `f:3: an item of the list has no value; take it away, or put a text that begins with # in quotes`,
		"token: #secret\n":                       `f:1: "token" has no value, since what begins with # is a comment; put it in quotes, or a blank after #`,
		"<<: [a]":                                "f:1: found text after <<, expected an alias of a mapping",
		"a: &a [*a]":                             "f:1: values are nested more than 200 levels deep, or an alias contains itself",
		strings.Repeat("[", 300) + strings.Repeat("]", 300): "f:1: values are nested more than 200 levels deep, or an alias contains itself",
		bomb:                             "f:1: aliases add more than 100000 values; write fewer",
		"a:\n  - 1\n  - x: 010":          "f:3: a.1.x: found 010, expected a plain decimal number such as 12 or 1.5; put it in quotes if it is a text",
		"- 2026-01-31":                   "f:1: 0: found 2026-01-31, which YAML takes for a time; put it in quotes",
		"0123":                           "f:1: found 0123, expected a plain decimal number such as 12 or 1.5; put it in quotes if it is a text",
		"a: " + strings.Repeat("1", 100): "f:1: a: found " + strings.Repeat("1", 60) + "…, expected a number up to 9007199254740992 (2^53), beyond which digits are lost; put it in quotes",
	} {
		if got := read(source); got != want {
			t.Errorf("%.200s\ngot  %s\nwant %s", source, got, want)
		}
	}
}

// FuzzValue checks that a value that is accepted is that of the YAML library, and
// that numbers are the same text in JSON as in the file.
func FuzzValue(f *testing.F) {
	for _, source := range []string{
		"a: 0612\nb: 1_0\n", "- 1.50\n- -3\n- 0x1\n- 1e5\n- .inf\n", "a: &x {b: 1}\nc: {<<: *x}\n", "a: 9007199254740993", "[0.1, 0.30000000000000004, 123456.7890]",
		"- 2026-01-31\n- 12:30\n- ~\n- yes\n- True\n", "a: 1\n---\nb: 2\n", "\xef\xbb\xbf? a\n: !!str 1\n", "&a [*a]", "0b1_1: 0o7",
	} {
		f.Add([]byte(source))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		n, err := yamltext.Parse("f", source)
		if err != nil {
			return
		}
		value, problems := yamltext.Value("f", n)
		numbers(t, n, value)
		if len(problems) > 0 {
			return
		}
		got, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var plain any
		if yaml.Unmarshal(source, &plain) != nil {
			return
		}
		want, err := json.Marshal(plain)
		if err == nil && string(got) != string(want) { // in JSON all names are texts
			t.Errorf("got %s, and YAML means %s", got, want)
		}
	})
}

// numbers compares the numbers of a value with the texts that they came from.
func numbers(t *testing.T, n *yaml.Node, value any) {
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			numbers(t, n.Content[i], item)
		}
	case map[string]any:
		for i := 0; i+1 < len(n.Content); i += 2 {
			numbers(t, n.Content[i+1], value[n.Content[i].Value])
		}
	case int, float64:
		text := n.Value
		if strings.Contains(text, ".") {
			text = strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
		}
		got := fmt.Sprint(value)
		if f, isFloat := value.(float64); isFloat {
			got = fmt.Sprintf("%.*f", max(0, len(text)-strings.IndexByte(text+".", '.')-1), f)
		}
		if got != text {
			t.Errorf("%s became %s", n.Value, got)
		}
	}
}
