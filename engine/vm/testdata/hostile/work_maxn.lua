-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 20000 do t[-i] = 1 end
while true do table.maxn(t) end
end)
