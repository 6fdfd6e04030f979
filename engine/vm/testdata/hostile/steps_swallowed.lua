-- limit steps
on("in:/test", function(event)
while true do pcall(time.now) end
end)
