-- limit depth
on("in:/test", function(event)
local t = setmetatable({}, {})
getmetatable(t).__call = function(self) return self() end
t()
end)
