-- error metatable cannot be changed
on("in:/test", function(event)
setmetatable(_G, {})
end)
