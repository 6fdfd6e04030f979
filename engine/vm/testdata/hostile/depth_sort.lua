-- limit depth
on("in:/test", function(event)
local function f() table.sort({1, 2}, f) end
f()
end)
