-- limit string length
on("in:/test", function(event)
local s = ("x"):rep(100000)
s:gsub("x", s)
end)
