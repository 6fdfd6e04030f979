-- error
on("in:/test", function(event)
money.add(("9"):rep(900000), "1")
end)
