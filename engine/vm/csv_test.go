package vm_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestCSVRead(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `text.csv ""`, want: `[]`},
		{lua: `text.csv "\n\r\n\r"`, want: `[]`},
		{lua: `text.csv "a"`, want: `[["a"]]`},
		{lua: `text.csv "a,b\r1,2\r"`, want: `[["a","b"],["1","2"]]`},
		{lua: `text.csv "a,b\r\n1,2\r\n"`, want: `[["a","b"],["1","2"]]`},
		{lua: `text.csv "a,b\n1,2"`, want: `[["a","b"],["1","2"]]`},
		{lua: `text.csv "a\rb\nc\r\nd\n\re"`, want: `[["a"],["b"],["c"],["d"],["e"]]`},
		{lua: `text.csv "a,\n,b\n,\n"`, want: `[["a",""],["","b"],["",""]]`},
		{lua: `text.csv "a,b,\n"`, want: `[["a","b",""]]`},
		{lua: `text.csv "a\n\n\nb\n\n"`, want: `[["a"],["b"]]`},
		{lua: `text.csv "\"\"\n"`, want: `[[""]]`},
		{lua: `text.csv " \n"`, want: `[[" "]]`},
		{lua: `text.csv "\239\187\191a,b\n"`, want: `[["a","b"]]`},
		{lua: `text.csv "\239\187\191\"a\",b\n"`, want: `[["a","b"]]`},
		{lua: `text.csv "\"a\nb\",\"c\rd\",\"e\r\nf\"\n"`, want: `[["a\nb","c\rd","e\r\nf"]]`},
		{lua: `text.csv "\"say \"\"hi\"\"\",\"\"\"\"\n"`, want: `[["say \"hi\"","\""]]`},
		{lua: `text.csv("a;\"b;c\"\n", { separator = ";" })`, want: `[["a","b;c"]]`},
		{lua: `text.csv("a\tb,c\n", { separator = "\t" })`, want: `[["a","b,c"]]`},
		{lua: `text.csv("a¦b\n", { separator = "¦" })`, want: `[["a","b"]]`},

		// A bare quote.
		{lua: `text.csv "a,b\nc,d\"e\n"`, err: "text.csv: line 2, column 4: found a quote in a field that does not begin with one; put the field in quotes"},
		{lua: `text.csv "a, \"b\"\n"`, err: "line 1, column 4: found a quote"},
		{lua: `text.csv "é,ü,\"b\" c\n"`, err: `line 1, column 7: after a quote that closes a field, found " "; expected "," or the end of the line; write a quote in a field twice, or set lazy = true`},
		{lua: `text.csv "\"a\nb\rc\r\nd\",é\"\n"`, err: "line 4, column 5: found a quote"},
		{lua: `text.csv "x\ry\r\nz,\"b\"c"`, err: `line 3, column 5: after a quote that closes a field, found "c"`},
		{lua: `text.csv("a\"b,\"c\"d\",\"e\"\"f\"\n", { lazy = true })`, want: `[["a\"b","cd\"","e\"f"]]`},
		{lua: `text.csv("\"a\"b,c\n\"d\",e", { lazy = true })`, want: `[["ab","c"],["d","e"]]`},
		{lua: `text.csv("1,\"x\" y,2\n3,\"z\",4\n", { lazy = true })`, want: `[["1","x y","2"],["3","z","4"]]`},
		{lua: `text.csv("\"a\"\"b\" \"c\",d\n", { lazy = true })`, want: `[["a\"b \"c\"","d"]]`},
		{lua: `text.csv("a, \"b\"\n", { lazy = true })`, want: `[["a"," \"b\""]]`},
		{lua: `text.csv("a\"b", { lazy = false })`, err: "line 1, column 2"},

		// A quote that is not closed.
		{lua: `text.csv "a\nb,\"c\nd\n"`, err: "text.csv: line 2, column 3: the quote that begins this field is not closed"},
		{lua: `text.csv "\""`, err: "line 1, column 1: the quote that begins this field is not closed"},
		{lua: `text.csv "\"a\"\""`, err: "line 1, column 1: the quote that begins this field is not closed"},
		{lua: `text.csv("a,\"b", { lazy = true })`, err: "line 1, column 3: the quote that begins this field is not closed"},

		{lua: `text.csv("a", { separator = "" })`, err: "the separator must be one character"},
		{lua: `text.csv("a", { separator = "\"" })`, err: "the separator must be one character"},
		{lua: `text.csv("a", { separator = "\255" })`, err: "the separator must be one character"},
		{lua: `text.csv("a", { lazy = 1 })`, err: "the option lazy must be true or false, found the number 1"},
		{lua: `text.csv("a", { header = "a" })`, err: `the option header must be true or a list of names, found the text "a"`},
	})
}

func TestCSVHeader(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `text.csv("a,b\n1,2\n3\n", { header = true })`, want: `[{"a":"1","b":"2"},{"a":"3"}]`},
		{lua: `text.csv("\n a , \"b \"\n1,2\n", { header = true })`, err: "line 2, column 6: found a quote"},
		{lua: `text.csv("\n a ,\" b\"\n1,2\n", { header = true })`, want: `[{"a":"1"," b":"2"}]`},
		{lua: `text.csv("a,b\n", { header = true })`, want: `[]`},
		{lua: `text.csv("", { header = true })`, want: `[]`},
		{lua: `text.csv("a,b\n1,2\n", { header = false })`, want: `[["a","b"],["1","2"]]`},
		{lua: `text.csv("a,a\n1,2\n", { header = true })`, err: `text.csv: line 1, column 3: name 2, "a", is also the name of field 1; list the names yourself: header = { "a", "b" }`},
		{lua: `text.csv("a,b, a\n", { header = true })`, err: `line 1, column 5: name 3, "a", is also the name of field 1`},
		{lua: `text.csv("\na,\"\nb\",,c\n", { header = true })`, err: `line 3, column 4: name 3 is empty`},
		{lua: `text.csv("a,b,\n1,2,3\n", { header = true })`, err: `line 1, column 5: name 3 is empty`},
		{lua: `text.csv("a,b\n1,2\n\n3,4,5\n", { header = true })`, err: `line 4, column 5: field 3 has no name; the header has 2`},
		{lua: `text.csv("a,b\n1,\"\r\",\n", { header = true })`, err: `line 3, column 3: field 3 has no name`},

		{lua: `text.csv("a,a\n1,2\n3\n", { header = { "x", "y" } })`, want: `[{"x":"1","y":"2"},{"x":"3"}]`},
		{lua: `text.csv("a,\n1,2\n", { header = { "x", "y" } })`, want: `[{"x":"1","y":"2"}]`},
		{lua: `text.csv("a\n1\n", { header = { "x", "y" } })`, want: `[{"x":"1"}]`},
		{lua: `text.csv("", { header = { "x", "y" } })`, want: `[]`},
		{lua: `text.csv("a,b,c\n1,2,3\n", { header = { "x", "y" } })`, err: `line 2, column 5: field 3 has no name; the header has 2`},
		{lua: `text.csv("a,b\n", { header = { "x", "x" } })`, err: `text.csv: the option header: name 2, "x", is also the name of field 1`},
		{lua: `text.csv("a,b\n", { header = { "x", " " } })`, err: `text.csv: the option header: name 2 is empty`},
		{lua: `text.csv("a,b\n", { header = { "x", false } })`, err: `text.csv: the option header: name 2 must be a text, found false`},
		{lua: `text.csv("a,b\n", { header = {} })`, err: `the option header must be true or a list of names, found a table without any`},
	})
}

func TestCSVWrite(t *testing.T) {
	runSnippets(t, []snippet{
		{lua: `text.csv({ { "a", 1, true }, { "x, y", json.null, json.number "1.50" } })`, want: `"a,1,true\n\"x, y\",,1.50\n"`},
		{lua: `text.csv({ { "say \"hi\"", "a\nb", "c\rd" }, { " a", "b ", "" }, { "" } })`, want: `"\"say \"\"hi\"\"\",\"a\nb\",\"c\rd\"\n\" a\",\"b \",\n\"\"\n"`},
		{lua: `text.csv({ { "a;b", "c,d" } }, { separator = ";" })`, want: `"\"a;b\";c,d\n"`},
		{lua: `text.csv {}`, want: `""`},
		{lua: `text.csv({ { n = 1, name = "Ada" }, { name = "Bob" } }, { header = true })`, want: `"n,name\n1,Ada\n,Bob\n"`},
		{lua: `text.csv({ { n = 1, name = "Ada" }, { x = 2 } }, { header = { "name", "x" } })`, want: `"name,x\nAda,\n,2\n"`},
		{lua: `text.csv({}, { header = { "name", "x" } })`, want: `"name,x\n"`},
		{lua: `text.csv({ { a = "" }, { a = "x" } }, { header = true })`, want: `"a\n\"\"\nx\n"`},
		{lua: `text.csv(text.csv(text.csv({ { a = "", [" b"] = "1\r\n2" } }, { header = true }), { header = true }), { header = true })`, want: `"a,\" b\"\n,\"1\r\n2\"\n"`},

		{lua: `text.csv({ { a = 1 }, { a = 2, b = 3 } }, { header = true })`, err: `text.csv: row 2 has the field "b", which row 1 lacks; list the columns: header = { "a", "b" }`},
		{lua: `text.csv({ { 1, 2 } }, { header = true })`, err: `text.csv: row 1 has the number 1 as a key, where the name of a column is expected; without header a row is a list`},
		{lua: `text.csv({ { a = 1 } })`, err: `text.csv: row 1 has the text "a" as a key, where a list is expected; set header = true`},
		{lua: `text.csv({ { [""] = 1 } }, { header = true })`, err: `text.csv: row 1: name 1 is empty`},
		{lua: `text.csv({ { {} } })`, err: `text.csv: row 1 holds a table, which is no text`},
		{lua: `text.csv({ 1 })`, err: `text.csv: row 1 must be a table, found the number 1`},
		{lua: `text.csv({ { secret "k" } })`, err: `text.csv: row 1 holds a secret, which is no text`},
	})
}

// Rows are charged before they are allocated, when they are read and written.
func TestCSVMemory(t *testing.T) {
	for name, lua := range map[string]string{
		"many rows":            `text.csv(("\n,"):rep(2e5))`,
		"one long row":         `text.csv((","):rep(4e5))`,
		"many names":           `local t = {}; for i = 1, 6e4 do t[i] = "n" .. i end; local s = table.concat(t, ","); t = nil; text.csv(s, { header = true })`,
		"rows by name":         `text.csv("a\n" .. ("1\n"):rep(1e5), { header = true })`,
		"one large field":      `local s = '"' .. ("x"):rep(3e6) .. '"'; local t = {}; for i = 1, 10 do t[i] = text.csv(s) end`,
		"one large field, out": `local s = ('"'):rep(3e6); text.csv { { s, s } }`,
	} {
		t.Run(name, func(t *testing.T) {
			m := vm.New(vm.Config{})
			out, _ := run(t, m, inHook(lua), vm.Limits{Memory: 8 << 20})
			if out.Err == nil || !strings.Contains(out.Err.Error(), "memory") && !strings.Contains(out.Err.Error(), "string length") {
				t.Errorf("it ended with %v", out.Err)
			}
		})
	}
}

// Fields of a row that were set to nil are charged too, because a table does
// not remove them.
func TestCSVWork(t *testing.T) {
	const many = `local rows, row = {}, {}; for i = 1, 2000 do rows[i] = row end; `
	for name, body := range map[string]string{
		"items":  many + `for i = 1, 1e5 do row[i] = 1 end; for i = 1e5, 1, -1 do row[i] = nil end; text.csv(rows)`,
		"fields": many + `for i = 1, 1e5 do row["k" .. i] = 1 end; for k in pairs(row) do row[k] = nil end; text.csv(rows, { header = true })`,
	} {
		out, _ := run(t, newMachine(), inHook(body), vm.Limits{Instructions: 20_000_000})
		if out.Err == nil || !strings.Contains(out.Err.Error(), "instructions") {
			t.Errorf("%s: it ended with %v", name, out.Err)
		}
	}
}
