-- limit instructions or time
on("in:/test", function(event)
local s = (" "):rep(900000)
while true do text.trim(s) end
end)
