-- limit instructions
on("in:/test", function(event)
xpcall(error, function() while true do end end)
end)
