-- limit instructions
on("in:/test", function(event)
("x"):gsub("x", function() while true do end end)
end)
