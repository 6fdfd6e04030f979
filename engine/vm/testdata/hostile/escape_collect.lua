-- error collectgarbage is not there
on("in:/test", function(event)
while true do collectgarbage() end
end)
