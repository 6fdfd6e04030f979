-- limit depth
on("in:/test", function(event)
local t = setmetatable({}, {})
getmetatable(t).__concat = function(a, b) return a .. b end
local s = t .. t
end)
