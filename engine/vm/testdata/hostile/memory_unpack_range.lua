-- error unpack returns at most 8,000 values at once
on("in:/test", function(event)
unpack({}, 1, 1e9)
end)
