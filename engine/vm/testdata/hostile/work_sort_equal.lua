-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 200000 do t[i] = 1 end
while true do table.sort(t) end
end)
