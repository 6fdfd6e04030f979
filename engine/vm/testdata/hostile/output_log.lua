-- limit output
on("in:/test", function(event)
while true do log.info("x", { text = ("y"):rep(1000) }) end
end)
