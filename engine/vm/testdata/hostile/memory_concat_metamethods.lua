-- limit string length
on("in:/test", function(event)
local big = ("x"):rep(600000)
local t = setmetatable({}, {__concat = function(a, b) return big end})
local s = big .. big .. t
end)
