-- limit output or steps or instructions
on("in:/test", function(event)
local t = {}
t.t = t
while true do log.info("x", t) end
end)
