-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 50000 do t[i] = {} end
while true do local x = { {}, {} } end
end)
