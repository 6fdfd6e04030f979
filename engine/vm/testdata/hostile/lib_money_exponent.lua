-- error
on("in:/test", function(event)
money.mul("1e999999999", "1e999999999")
end)
