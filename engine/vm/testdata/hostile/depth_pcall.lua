-- limit depth
on("in:/test", function(event)
local function f() return pcall(f) end
f()
end)
