-- limit string length or memory
on("in:/test", function(event)
local s, t = ("\1"):rep(500000), {}
for i = 1, 100 do t[i] = s end
json.encode(t)
end)
