-- error width and precision have two digits at most
on("in:/test", function(event)
string.format("%999999999d", 1)
end)
