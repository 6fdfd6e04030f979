-- limit instructions
on("in:/test", function(event)
local mt = {__eq = function() while true do end end}
local b = setmetatable({}, mt) == setmetatable({}, mt)
end)
