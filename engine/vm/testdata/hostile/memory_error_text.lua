-- limit string length
on("in:/test", function(event)
local s = ("x"):rep(1000000)
error(s .. s)
end)
