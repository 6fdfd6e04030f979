-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 200000 do t[i] = true end
while true do table.remove(t, 1); t[#t + 1] = true end
end)
