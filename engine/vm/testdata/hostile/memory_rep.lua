-- limit string length
on("in:/test", function(event)
local s = ("x"):rep(1e9)
end)
