-- limit instructions or time
on("in:/test", function(event)
while true do pcall(error) end
end)
