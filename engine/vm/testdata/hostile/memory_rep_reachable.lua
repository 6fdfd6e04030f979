-- limit memory
on("in:/test", function(event)
local t = {}
while true do t[#t + 1] = ("x"):rep(1000000) end
end)
