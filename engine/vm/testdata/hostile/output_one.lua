-- limit output
on("in:/test", function(event)
print(("x"):rep(1000000))
end)
