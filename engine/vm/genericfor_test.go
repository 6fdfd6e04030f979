package vm_test

import "testing"

func TestGenericFor(t *testing.T) {
	rows := []result{
		{body: `local f, g = function() return 1 end, function() return 2 end
			local n = 0; for k, v in (f() == g() and pairs or ipairs)({ 10, x = 5 }) do n = n + 1 end; return n`, want: "1"},
		{body: `local t, r = "a\r\nb\r\n", {}
			for line in (t:gsub("\r", "") .. ""):gmatch("(.-)\n") do r[#r + 1] = line end; return table.concat(r, ",")`, want: "a,b"},
		{body: `local n = 0; for k in next, { 1, 2, 3 } do n = n + k end; return n`, want: "6"},
		{body: `local n = 0; for k, v in next, { 5, 6 }, nil do n = n + v end; return n`, want: "11"},
		{body: `local n = 0; for k, v in next, { 5, 6, 7 }, 1 do n = n + v end; return n`, want: "13"},
		{body: `local x, y, z = 1, 2, 3; local s = ""; for k in next, { a = 1 } do s = s .. k end; return s`, want: "a"},
		{body: `local function iterator() local i = 0; return function() i = i + 1; if i < 4 then return i, i * i, i * i * i, -i end end end
			local s = ""; for a, b, c, d in iterator() do s = s .. a .. b .. c .. d .. ";" end; return s`, want: "111-1;248-2;3927-3;"},
		{body: `local function triple(n) return function(state, i) if i < state then return i + 1 end end, n, 0 end
			local s = ""; for i in triple(3) do s = s .. i end; return s`, want: "123"},
		{body: `local t = { it = { pairs = pairs } }; local n = 0; for k in t.it.pairs({ 1, 2 }) do n = n + k end; return n`, want: "3"},
		{body: `local function get() return { each = ipairs } end; local n = 0; for _, v in get().each({ 4, 5 }) do n = n + v end; return n`, want: "9"},
		{body: `local keys = { "x" }; local t = { x = pairs }; local n = 0; for k in t[keys[1]]({ 1, 2 }) do n = n + k end; return n`, want: "3"},
		{body: `local function name() return "x" end; local t = { x = pairs }; local n = 0; for k in t[name()]({ 1, 2 }) do n = n + k end; return n`, want: "3"},
		{body: `local function f() return pairs end; local n = 0; for k in f()({ 1, 2 }) do n = n + k end; return n`, want: "3"},
		{body: `local n = 0; for k in (pairs)({ 1, 2 }) do n = n + k end; return n`, want: "3"},
		{body: `local ok = pcall(function() for k in (pairs({ 1 })) do end end); return tostring(ok)`, want: "false"},
		{body: `local s = ""; for w in ("one two"):upper():gmatch("%a+") do s = s .. w .. "." end; return s`, want: "ONE.TWO."},
		{body: `local s = ""; for w in ("a-b"):gsub("-", " "):gmatch("%a") do s = s .. w end; return s`, want: "ab"},
		{body: `local c = setmetatable({ n = 0 }, { __call = function(self) self.n = self.n + 1; if self.n < 3 then return self.n end end })
			local s = ""; for i in c do s = s .. i end; return s`, want: "12"},
		{body: `local function pick(...) return select(2, ...) end; local n = 0; for k in pick(1, next, { 7, 8 }) do n = n + k end; return n`, want: "3"},
		{body: `return (function(...) local n = 0; for k in ... do n = n + k end; return n end)(next, { 5, 6 })`, want: "3"},
		{body: `return (function(...) local n = 0; for k, v in ipairs({ ... }) do n = n + v end; return n end)(5, 6)`, want: "11"},
		{body: `local n = 0; for k, v in pairs(#"abc" == 3 and { 1, 2 } or {}) do n = n + v end; return n`, want: "3"},
		{body: `local n = 0; for i, v in ipairs({ 1, 2 }) do for j, w in (i == 1 and ipairs or pairs)({ 10, x = 5 }) do n = n + w end end; return n`, want: "25"},
		{body: `local all = {}; for i, v in (next), { "a", "b" } do all[#all + 1] = function() return i .. v end end; return all[1]() .. all[2]()`, want: "1a2b"},
		{body: `local s = ""; for k, v in next, { 1, 2, 3 } do if v == 2 then break end; s = s .. v end; return s`, want: "1"},
		{body: `local ok, e = pcall(function() for k in 5 do end end); return tostring(ok)`, want: "false"},
	}
	testResults(t, rows)
	stillWrong(t, "genericfor.go", rows[0])
}
