-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 100000 do t[i] = i % 7 end
while true do table.sort(t, function(a, b) return true end) end
end)
