-- limit memory or time
on("in:/test", function(event)
local t = {}
for i = 1, 1e9 do t["k" .. i] = true; t["k" .. i] = nil end
end)
