-- limit memory
on("in:/test", function(event)
for i = 1, 1e9 do _G["g" .. i] = i end
end)
