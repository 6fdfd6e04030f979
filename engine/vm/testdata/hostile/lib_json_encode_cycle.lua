-- error
on("in:/test", function(event)
local t = {}
t.t = t
json.encode(t)
end)
