-- limit instructions or time
on("in:/test", function(event)
local t = {}
t[500000] = 1
t[500000] = nil
while true do local n = #t end
end)
