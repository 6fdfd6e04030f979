-- error unpack returns at most 8,000 values at once
on("in:/test", function(event)
local t = {}
t[100000] = 1
return { unpack(t) }
end)
