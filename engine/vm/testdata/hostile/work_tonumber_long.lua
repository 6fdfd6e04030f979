-- limit instructions or time
on("in:/test", function(event)
local s = ("1"):rep(900000)
while true do tonumber(s) end
end)
