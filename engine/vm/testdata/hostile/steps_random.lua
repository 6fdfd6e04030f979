-- limit steps
on("in:/test", function(event)
while true do random(1, 6) end
end)
