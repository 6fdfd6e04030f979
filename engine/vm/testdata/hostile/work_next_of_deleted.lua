-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 50000 do t["k" .. i] = 1; t["k" .. i] = nil end
t.x = 1
while true do next(t) end
end)
