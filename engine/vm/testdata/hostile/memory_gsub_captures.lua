-- limit string length
on("in:/test", function(event)
local s = ("x"):rep(1000)
s:gsub(".+", ("%0"):rep(2000))
end)
