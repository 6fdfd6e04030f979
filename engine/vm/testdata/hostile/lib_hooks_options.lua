-- limit memory or instructions
local t = { name = ("x"):rep(500000) }
while true do on("in:/test", t, print) end
