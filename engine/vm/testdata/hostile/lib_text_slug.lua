-- limit instructions or time
on("in:/test", function(event)
local s = ("É x"):rep(50000)
while true do text.slug(s) end
end)
