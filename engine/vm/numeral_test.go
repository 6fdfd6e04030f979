package vm_test

import (
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestNumerals(t *testing.T) {
	rows := []result{
		{body: `return 0012`, want: "12"},
		{body: `return "0012" + 1`, want: "13"},
		{body: `return -"010"`, want: "-10"},
		{body: `return 010 + 0x10`, want: "26"},
		{body: `return 00`, want: "0"},
		{body: `return 007.5`, want: "7.5"},
		{body: `return 08 .. 09`, want: "89"},
		{body: `return 0e5 + 01e2`, want: "100"},
		{body: `return 5. + .5`, want: "5.5"},
		{body: `return 0XfF`, want: "255"},
		{body: `return 0xffffffffffffffff == 2^64`, want: "true"},
		{body: `return 0x1p4`, want: "16"},
		{body: `return 0xA.. ""`, want: "10"},
		{body: `return 0x10..5`, want: "165"},
		{body: `local x = 0xFF..""; return x .. 0x1 ..0x2`, want: "25512"},
		{body: `return 1e400 == math.huge`, want: "true"},
		{body: `return -1e400 == -math.huge`, want: "true"},
		{body: `return 1E+2 + 1e-2`, want: "100.01"},
		{body: `return tostring((pcall(function() return "0b11" + 0 end)))`, want: "false"},
		{body: `return tostring((pcall(function() return "0o17" + 0 end)))`, want: "false"},
		{body: `return tostring((pcall(function() return "1_000" + 0 end)))`, want: "false"},
		{body: `return tostring((pcall(function() return -"0b11" end)))`, want: "false"},
		{body: `return tostring((pcall(function() return "" + 0 end)))`, want: "false"},
		{body: `return tostring((pcall(function() return "12px" + 0 end)))`, want: "false"},
		{body: `return " 0x10 " + "\t010\n"`, want: "26"},
		{body: `return "0x1F" * "2" - "01" / "2"`, want: "61.5"},
		{body: `return "10" % "3" + "2" ^ "3"`, want: "9"},
		{body: `return 10 + "010"`, want: "20"},
		{body: `return -"-0x10"`, want: "16"},
		{body: `return - - "5"`, want: "5"},
		{body: `return "+5" + "-5"`, want: "0"},
		{body: `return "1e2" + "1E2"`, want: "200"},
		{body: `return tonumber("12.50", 10)`, want: "12.5"},
		{body: `return tonumber("0012") + tonumber("0012", 10)`, want: "24"},
		{body: `return tonumber("0x1F", 16) + tonumber("1f", 16)`, want: "62"},
		{body: `return tonumber(" ff ", 16)`, want: "255"},
		{body: `return tostring(tonumber("0b11")) .. tostring(tonumber("1_0")) .. tostring(tonumber("1 0")) .. tostring(tonumber("0x"))`, want: "nilnilnilnil"},
		{body: `return tonumber("0b11", 16)`, want: "2833"},
		{body: `return tonumber("777", 8) + tonumber("zz", 36) + tonumber("11", 2)`, want: "1809"},
		{body: `return tostring(tonumber("8", 8)) .. tostring(tonumber("", 8)) .. tostring(tonumber("1.5", 8)) .. tostring(tonumber("1_0", 8))`, want: "nilnilnilnil"},
		{body: `return tonumber(10, 10) + tonumber(10, 16)`, want: "26"},
		{body: `return tostring(tonumber(nil)) .. tostring(tonumber({}, 10)) .. tostring(tonumber(true))`, want: "nilnilnil"},
		{body: `return tostring(pcall(tonumber, {}, 16)) .. tostring(pcall(tonumber, "1", 1)) .. tostring(pcall(tonumber, "1", 37))`, want: "falsefalsefalse"},
		{body: `return tonumber("10", "016")`, want: "16"},
		{body: `local s = 0; for i = "1", "010", "03" do s = s + i end; return s`, want: "22"},
		{body: `local s = ""; for i = 3, "1", -1 do s = s .. i end; return s`, want: "321"},
		{body: `local s = ""; for i = " 0x2 ", 3 do s = s .. type(i) .. i end; return s`, want: "number2number3"},
		{body: `return tostring((pcall(function() for i = "a", 3 do end end))) .. tostring((pcall(function() for i = 1, "0b1" do end end)))`, want: "falsefalse"},
		{body: `return ("x"):rep("010"):len() .. string.char("0065") .. math.max("010", "9") .. ("abcdefghijk"):sub("010")`, want: "10A10jk"},
		{body: `return select("02", "a", "b") .. unpack({ "a", "b" }, "02")`, want: "bb"},
		{body: `return string.format("%d", "010") .. table.concat({ 1, 2, 3 }, ",", "02")`, want: "102,3"},
		{body: `return tostring("10" == 10) .. tostring(pcall(function() return "10" < 11 end)) .. tostring("10" < "9")`, want: "falsefalsetrue"},
		{body: `local t = { ["10"] = "text", [10] = "number" }; return t["10"] .. t[10] .. tostring(t["010"])`, want: "textnumbernil"},
		// The metamethod of the left operand is called first.
		{body: `local t = setmetatable({}, { __add = function(a, b) return "mine" end }); return ("10" + t) .. (t + "10")`, want: "minemine"},
		{body: `local t = setmetatable({}, { __sub = function(a, b) return (a == "10" and "L" or "R") .. type(b) end }); return ("10" - t) .. (t - "10")`, want: "LtableRstring"},
		{body: `return tostring((pcall(function() return "10" + setmetatable({}, { __sub = print }) end)))`, want: "false"},
		{body: `return tostring((pcall(function() return "10" + {} end))) .. tostring((pcall(function() return nil + "10" end)))`, want: "falsefalse"},
	}
	testResults(t, rows)
	stillWrong(t, "numeral.go", rows[0])
}

func TestNumeralErrors(t *testing.T) {
	m := vm.New(vm.Config{})
	for _, row := range []struct{ body, want string }{
		{"return 0b11", "compile: test.lua:1: malformed number '0b11': Lua writes numbers as decimals, or as hexadecimals such as 0x1F"},
		{"local x\nreturn 1_000", "compile: test.lua:2: malformed number '1_000': Lua allows no '_' in numbers"},
		{"x = 0b = 1", "compile: test.lua:1: malformed number '0b'"},
		{"return 1..2", "compile: test.lua:1: malformed number '1..2': put a space before '..'"},
		{"return 0x", "compile: test.lua:1: malformed number '0x'"},
		{`return "\300"`, `compile: test.lua:1: the escape \300 is no byte: \0 to \255 are`},
		{"return #{ 1,,2 }", "compile: test.lua:1: a table has no value between two of ','"},
		{"return {\n1;\n;2 }", "compile: test.lua:3: a table has no value between two of ';'"},
		{"return { 1, , }", "compile: test.lua:1: a table has no value between two of ','"},
		{"\nlocal function t.f() end", "compile: test.lua:2: unexpected '.'"},
		{"return #{ 1, ';;', [[,,]], function() ; end, --,\n 2; }", "5"},
		{"return 3x", "compile: test.lua:1: malformed number '3x'"},
		{"return 1e", "compile: test.lua:1: malformed number '1e'"},
		{"local price = 'ten'\nreturn price * 2", "error: test.lua:2: '*' needs numbers; a value is the text \"ten\""},
		{"local t = { a = 'x' }\nreturn -t.a", "error: test.lua:2: '-' needs numbers; 'a' is the text \"x\""},
		{"local t = {}\nreturn '1' + t.b", "error: test.lua:2: '+' needs numbers; 'b' is nil"},
		{"return ('x').__add", "error: test.lua:1: string has no '__add'"},
	} {
		if got := ours(t, m, row.body); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s\n\tgot  %s\n\twant %s", row.body, got, row.want)
		}
	}
}

// The length of a text that is read as a number is charged.
func TestNumeralWork(t *testing.T) {
	for _, body := range []string{
		`local s = ("1"):rep(1e6); for i = 1, 10 do local x = s + 1 end`,
		`local s = ("1"):rep(1e6); for i = 1, 10 do local x = 1 % s end`,
		`local s = ("1"):rep(1e6); for i = 1, 10 do local x = -s end`,
		`local s = ("1"):rep(1e6); for i = 1, 10 do for j = s, 1 do end end`,
	} {
		out, _ := run(t, newMachine(), inHook(body), vm.Limits{Instructions: 300_000})
		if out.Err == nil || !strings.Contains(out.Err.Error(), "instructions") {
			t.Errorf("%s\n\tended with %v", body, out.Err)
		}
	}
}
