-- limit instructions
on("in:/test", function(event)
local t = setmetatable({}, {__newindex = function() while true do end end})
t.x = 1
end)
