-- limit depth
on("in:/test", function(event)
local function f() return xpcall(f, f) end
f()
end)
