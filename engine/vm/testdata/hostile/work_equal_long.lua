-- limit instructions or time
on("in:/test", function(event)
local s = ("x"):rep(900000)
local a, b = s .. "a", s .. "b"
while true do local c = a == b end
end)
