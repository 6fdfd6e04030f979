-- limit instructions or time
on("in:/test", function(event)
local s = ("x"):rep(500000)
while true do base64.decode(base64.encode(s)) end
end)
