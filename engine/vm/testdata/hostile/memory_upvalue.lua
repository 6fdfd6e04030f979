-- limit memory
on("in:/test", function(event)
local kept = {}
local function keep() kept = { kept, kept } return keep() end
while true do kept = { kept } end
end)
