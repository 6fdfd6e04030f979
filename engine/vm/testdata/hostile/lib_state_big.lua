-- limit steps or memory
on("in:/test", function(event)
local s = ("x"):rep(900000)
while true do state.put("k", s) end
end)
