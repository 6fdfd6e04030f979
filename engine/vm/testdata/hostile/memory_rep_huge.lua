-- limit string length
on("in:/test", function(event)
local s = ("xy"):rep(2^60)
end)
