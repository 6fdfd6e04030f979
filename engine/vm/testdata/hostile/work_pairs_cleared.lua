-- limit instructions or time
on("in:/test", function(event)
while true do local t = {a = 1, b = 2}; for k in pairs(t) do t[k] = nil end end
end)
