-- limit instructions
on("in:/test", function(event)
local t = setmetatable({}, {__index = function(t, k) return k end})
while t[1] do end
end)
