-- limit depth
on("in:/test", function(event)
local function f() return f() end
f()
end)
