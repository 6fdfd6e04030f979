-- limit instructions
on("in:/test", function(event)
local ok, err = pcall(function() while true do end end)
error("the limit was caught: " .. tostring(err))
end)
