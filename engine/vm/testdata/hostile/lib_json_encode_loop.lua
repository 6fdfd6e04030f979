-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 10000 do t[i] = i end
while true do json.encode(t) end
end)
