-- limit instructions
on("in:/test", function(event)
tostring(setmetatable({}, {__tostring = function() while true do end end}))
end)
