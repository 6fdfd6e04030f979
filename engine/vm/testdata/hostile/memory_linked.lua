-- limit memory
on("in:/test", function(event)
local head
while true do head = { next = head } end
end)
