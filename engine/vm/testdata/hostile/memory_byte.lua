-- error string.byte returns at most 8,000 values at once
on("in:/test", function(event)
("x"):rep(100000):byte(1, -1)
end)
