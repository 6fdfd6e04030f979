-- limit depth
on("in:/test", function(event)
local m
m = map({ a = function(s) return m(s) end })
m({})
end)
