-- limit depth
on("in:/test", function(event)
local function f() return ("x"):gsub("x", f) end
f()
end)
