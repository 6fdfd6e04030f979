-- limit instructions or time
on("in:/test", function(event)
local s = ("x"):rep(900000)
while true do hmac.sha256("key", s) end
end)
