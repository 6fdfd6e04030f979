-- limit memory
on("in:/test", function(event)
local t = {}
t[16000000] = 1
end)
