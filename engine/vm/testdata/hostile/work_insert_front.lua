-- limit instructions or time
on("in:/test", function(event)
local t = {}
for i = 1, 1e9 do table.insert(t, 1, true) end
end)
