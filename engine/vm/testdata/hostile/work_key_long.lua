-- limit instructions or time
on("in:/test", function(event)
local s = ("x"):rep(900000)
local t = {x = 1}
while true do local c = t[s] end
end)
