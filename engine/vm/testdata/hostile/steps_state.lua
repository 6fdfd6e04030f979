-- limit steps
on("in:/test", function(event)
for i = 1, 1000 do state.put("k", i) end
end)
