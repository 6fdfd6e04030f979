-- limit memory
on("in:/test", function(event)
local t = {}
while true do table.insert(t, {}) end
end)
