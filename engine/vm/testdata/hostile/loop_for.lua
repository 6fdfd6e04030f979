-- limit instructions
on("in:/test", function(event)
for i = 1, math.huge do end
end)
