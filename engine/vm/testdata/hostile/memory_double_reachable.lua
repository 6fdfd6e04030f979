-- limit memory
on("in:/test", function(event)
local s, t = ("x"):rep(500000), {}
for i = 1, 1e6 do t[i] = s .. i end
end)
