-- limit instructions or time
on("in:/test", function(event)
local s = ("x"):rep(100000)
local i = 0
while true do i = i + 1; local x = s .. i end
end)
