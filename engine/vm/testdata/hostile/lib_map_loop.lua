-- limit instructions
on("in:/test", function(event)
map({ a = function() while true do end end })({})
end)
