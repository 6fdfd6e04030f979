-- limit depth
on("in:/test", function(event)
local t = setmetatable({}, {})
getmetatable(t).__index = function(t, k) return t[k] end
local x = t.x
end)
