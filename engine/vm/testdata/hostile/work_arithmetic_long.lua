-- limit instructions or time
on("in:/test", function(event)
local s = ("1"):rep(300)
while true do local n = s + 1 end
end)
