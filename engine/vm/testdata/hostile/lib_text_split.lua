-- limit memory or instructions or time
on("in:/test", function(event)
local s, t = (","):rep(900000), {}
while true do t[#t + 1] = text.split(s, ",") end
end)
