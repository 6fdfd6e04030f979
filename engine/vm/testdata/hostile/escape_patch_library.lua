-- error table cannot be changed
on("in:/test", function(event)
table.insert = function() end
end)
