-- limit string length
on("in:/test", function(event)
table.concat({1, 2, 3, 4, 5, 6}, ("x"):rep(900000))
end)
