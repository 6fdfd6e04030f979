-- limit steps
on("in:/test", function(event)
while true do time.now() end
end)
