-- limit output
on("in:/test", function(event)
while true do print(("x"):rep(1000)) end
end)
