-- limit string length
on("in:/test", function(event)
local t, s = {}, ("x"):rep(1000)
for i = 1, 5000 do t[i] = s end
table.concat(t)
end)
