-- limit memory or depth
on("in:/test", function(event)
local t = {}
for i = 1, 7000 do t[i] = i end
local function f(...) return 1 + f(...) end
f(unpack(t))
end)
