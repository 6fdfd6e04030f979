package vm_test

import "testing"

func TestLanguageLiterals(t *testing.T) {
	testResults(t, []result{
		{body: `return "a\tb\\c\"d\'e"`, want: `a	b\c"d'e`},
		{body: `return #"\a\b\f\n\r\t\v\\\"\'"`, want: "10"},
		{body: `return ("\a\b\f\n\r\t\v"):byte(1, -1) .. "," .. ("\v"):byte()`, want: "7,11"},
		{body: `return "\65\066\0067"`, want: "AB\x067"},
		{body: `return #"\0" .. #"\0001" .. #"\00a"`, want: "122"},
		{body: `return 'single "quoted"' .. "double 'quoted'"`, want: `single "quoted"double 'quoted'`},
		{body: "return [[long]] .. [==[with ]] and ]=] inside]==]", want: "longwith ]] and ]=] inside"},
		{body: `return #[[
x]]`, want: "1"},
		{body: `return #[[

x]]`, want: "2"},
		{body: `return [[a\n]] .. #[[a\n]]`, want: `a\n3`},
		{body: "return #[==[]==] .. #[[]]", want: "00"},
		{body: "return [=[[[nested]]]=]", want: "[[nested]]"},
		{body: `return [[a
b]]`, want: `a
b`},
		{body: `return "a\
b"`, want: `a
b`},
		{body: `return '\'' .. "\""`, want: `'"`},
		{body: `return "-- no comment" .. '--[[ none ]]'`, want: "-- no comment--[[ none ]]"},
		{body: `return 1 --[[ a comment ]] + 2 --[==[ another
one ]] ]==] + 3`, want: "6"},
		{body: `return 5 -- [[ to the end of the line
`, want: "5"},
		{body: `return 5 --[ to the end of the line
`, want: "5"},
		{body: `return "é" .. #"é"`, want: "é2"},
		{body: `return #"\255\254" .. ("\255"):byte()`, want: "2255"},
		{body: "return 0xA .. 0Xa .. 0xff .. 1e2 .. .5 .. 3. .. 3e-2", want: "10102551000.530.03"},
		{body: `return 3 .. 4 .. ""`, want: "34"},
		{body: "return tostring(0x0) .. tostring(-0x10)", want: "0-16"},
		{body: `local function f() return "x" end return f"" .. f'' .. f[[]] .. f{}`, want: "xxxx"},
		{body: "local a = {} ; a.b = 1 ; return a . b", want: "1"},
		{body: "local and_ = 1 local _ = 2 local _1a = 3 return and_ + _ + _1a", want: "6"},
		{body: "return(5)", want: "5"},
		{body: "return --[[x]] 5", want: "5"},
	})
}
