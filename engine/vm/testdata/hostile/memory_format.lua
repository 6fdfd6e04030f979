-- limit string length
on("in:/test", function(event)
local s = ("x"):rep(900000)
local f = string.format("%s%s%s", s, s, s)
end)
