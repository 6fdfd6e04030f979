-- error string cannot be changed
on("in:/test", function(event)
string.upper = function() end
end)
