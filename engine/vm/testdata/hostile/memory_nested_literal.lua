-- limit memory
on("in:/test", function(event)
local t = {}
while true do t[#t + 1] = {1, 2, 3, 4, 5, 6, 7, 8, a = 1, b = 2} end
end)
