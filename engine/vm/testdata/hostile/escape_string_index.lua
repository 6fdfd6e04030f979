-- error 'getmetatable(…)' is false, so '__index' cannot be read from it
on("in:/test", function(event)
getmetatable("").__index.upper = nil
end)
