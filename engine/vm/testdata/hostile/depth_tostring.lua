-- limit depth
on("in:/test", function(event)
local t = setmetatable({}, {__tostring = tostring})
tostring(t)
end)
