-- limit instructions or time
on("in:/test", function(event)
local s = ("\128\233"):rep(50000)
while true do text.encode(text.decode(s, "windows-1252"), "gb18030") end
end)
