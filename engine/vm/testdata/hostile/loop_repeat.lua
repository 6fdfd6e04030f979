-- limit instructions
on("in:/test", function(event)
repeat until false
end)
