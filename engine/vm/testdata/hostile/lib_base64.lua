-- limit string length or memory
on("in:/test", function(event)
local s = ("x"):rep(900000)
base64.encode(s)
end)
