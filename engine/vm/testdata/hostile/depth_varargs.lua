-- limit depth
on("in:/test", function(event)
local function f(...) return f(1, ...) end
f()
end)
