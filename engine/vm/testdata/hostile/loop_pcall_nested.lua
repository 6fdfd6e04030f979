-- limit instructions
on("in:/test", function(event)
local function f() return pcall(f) end
while true do pcall(function() while true do end end) end
end)
