-- limit instructions
on("in:/test", function(event)
local t = setmetatable({}, {__concat = function() while true do end end})
local s = t .. "x"
end)
