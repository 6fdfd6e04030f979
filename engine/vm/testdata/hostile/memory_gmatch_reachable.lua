-- limit memory
on("in:/test", function(event)
local s, t = ("ab "):rep(300000), {}
while true do for w in s:gmatch("%a+") do t[#t + 1] = w end end
end)
