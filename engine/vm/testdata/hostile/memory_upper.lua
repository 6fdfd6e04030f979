-- limit memory
on("in:/test", function(event)
local s, t = ("x"):rep(1000000), {}
while true do t[#t + 1] = s:upper() end
end)
