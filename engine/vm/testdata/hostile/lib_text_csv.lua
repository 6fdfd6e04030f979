-- limit memory or time or instructions
on("in:/test", function(event)
local s, t = ("a,b,c\n"):rep(100000), {}
while true do t[#t + 1] = text.csv(s) end
end)
