-- limit depth
on("in:/test", function(event)
local function f() return 1 + f() end
f()
end)
