-- error
on("in:/test", function(event)
local t = {}
t.t = t
map(t)
end)
