-- limit instructions
on("in:/test", function(event)
for x in function() return 1 end do end
end)
