-- limit instructions
on("in:/test", function(event)
while true do end
end)
