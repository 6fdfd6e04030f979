-- limit memory
on("in:/test", function(event)
local s, t = "[" .. ("{},"):rep(300000) .. "{}]", {}
while true do t[#t + 1] = json.decode(s) end
end)
