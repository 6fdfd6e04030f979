-- error
on("in:/test", function(event)
local t = {}
t.t = t
emit("x", t)
end)
