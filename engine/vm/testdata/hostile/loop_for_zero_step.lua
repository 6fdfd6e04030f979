-- limit instructions
on("in:/test", function(event)
for i = 2, 1, 0 do end
end)
