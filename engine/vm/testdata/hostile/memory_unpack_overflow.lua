-- error unpack returns at most 8,000 values at once
on("in:/test", function(event)
unpack({}, -2^40, 2^40)
end)
