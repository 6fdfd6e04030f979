-- limit string length
on("in:/test", function(event)
local s = "x"
while true do s = s .. s end
end)
