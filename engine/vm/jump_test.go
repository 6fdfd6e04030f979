package vm_test

import "testing"

func TestJumps(t *testing.T) {
	rows := []result{
		// break out of a block within the loop.
		{body: `local f; while true do do local x = 1; f = function() x = x + 1; return x end; break end end; local a, b, c = 7, 8, 9; return f() .. f() .. a .. b .. c`, want: "23789"},
		{body: `local f; for i = 1, 3 do if i == 2 then local x = i * 10; f = function() return x end; break end end; local a, b, c, d, e, g = 1, 2, 3, 4, 5, 6; return f()`, want: "20"},
		{body: `local f; for i = 1, 3 do if i == 2 then break end; f = function() return i end end; local a, b, c, d, e, g = 1, 2, 3, 4, 5, 6; return f()`, want: "1"},
		{body: `local f; for _, v in ipairs({ 5, 6 }) do local w = v; if v == 6 then break end; f = function() w = w + 1; return w end end
			local a, b, c, d, e, g, h = 1, 2, 3, 4, 5, 6, 7; return f() .. f()`, want: "67"},
		{body: `local f; repeat local x = 1; do local y = 2; f = function() return x + y end; if y then break end end until false; local a, b, c, d = 0, 0, 0, 0; return f()`, want: "3"},
		{body: `local n = 0; local function bump() n = n + 1 end; while true do do local x = 1; local f = function() return x end; f(); bump(); break end end; bump(); return n`, want: "2"},
		{body: `local f; for i = 1, 2 do for j = 1, 2 do local x = i * 10 + j; if j == 2 then f = function() return x end; break end end end; local a, b, c, d, e, g, h, k, l = 0, 0, 0, 0, 0, 0, 0, 0, 0; return f()`, want: "22"},
		// goto must not change the variables around the jump.
		{body: `local n = 0; local function bump() n = n + 1 end
			for i = 1, 3 do if i == 2 then goto continue end; bump() ::continue:: end; bump(); return n`, want: "3", oursOnly: true},
		{body: `local n = 0; local function bump() n = n + 1 end; local i = 0; ::top:: i = i + 1; bump(); if i < 3 then goto top end; n = n * 10; bump(); return n`, want: "31", oursOnly: true},
		{body: `local all = {}; for i = 1, 3 do local x = i; all[i] = function() x = x + 10; return x end; if i == 2 then goto continue end; x = x + 100 ::continue:: end
			return all[1]() .. "," .. all[2]() .. "," .. all[3]()`, want: "111,12,113", oursOnly: true},
		{body: `local all, i = {}, 0; ::top:: do local x = i; all[#all + 1] = function() x = x + 1; return x end; i = i + 1; if i < 3 then goto top end end
			local a, b, c, d = 0, 0, 0, 0; return all[1]() .. all[1]() .. all[2]() .. all[3]()`, want: "1223", oursOnly: true},
		{body: `local f; do local x = 1; f = function() x = x + 1; return x end; goto out end ::out:: local a, b, c = 7, 8, 9; return f() .. f() .. a .. b .. c`, want: "23789", oursOnly: true},
		{body: `local f, n = nil, 0; for i = 1, 3 do for j = 1, 3 do local x = i * 10 + j; if j == 2 then f = function() x = x + 1; return x end; goto next end; n = n + 1 end ::next:: end
			local a, b, c, d, e, g, h, k = 0, 0, 0, 0, 0, 0, 0, 0; return f() .. n`, want: "333", oursOnly: true},
		{body: `goto skip; do return "no" end ::skip:: return "yes"`, want: "yes", oursOnly: true},
		// A label with the name of an outer one.
		{body: `local n = 0; ::a:: do local x = 1; local function bump() x = x + 1 end; bump(); if n > 50 then goto a end; do goto a end; n = 99 ::a:: bump(); n = n + x end; return n`, want: "3", oursOnly: true},
		{body: `local n = 0; local function bump() n = n + 10 end; ::a:: do goto a; ::a:: bump() end; n = n + 1; return n`, want: "11", oursOnly: true},
		{body: `local n = 0; goto a ::a:: goto b ::b:: n = n + 1; return n`, want: "1", oursOnly: true},
		{body: `local n = 0; local function bump() n = n + 1 end; goto a ::a:: bump(); goto b ::b:: bump(); return n`, want: "2", oursOnly: true},
		{body: `local o = {}; function o:m() local n = 0; local function bump() n = n + self.step end; for i = 1, 4 do if i % 2 == 0 then goto continue end; bump() ::continue:: end; return n end
			o.step = 5; return o:m()`, want: "10", oursOnly: true},
		{body: `local n, f = 0, nil; while n < 5 do local x = n; n = n + 1; if x == 1 then goto continue end; f = function() return x end; if n == 4 then break end ::continue:: end
			local a, b, c, d = 0, 0, 0, 0; return f() .. n`, want: "34", oursOnly: true},
	}
	testResults(t, rows)
	stillWrong(t, "jump.go", rows[0])
	stillWrong(t, "jump.go", rows[7])
}
