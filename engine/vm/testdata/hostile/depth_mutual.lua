-- limit depth
on("in:/test", function(event)
local a, b
function a() return b() end
function b() return a() end
a()
end)
