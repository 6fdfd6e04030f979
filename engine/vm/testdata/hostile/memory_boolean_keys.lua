-- limit memory
on("in:/test", function(event)
local t = {}
for i = 1, 1e9 do t[{}] = true end
end)
