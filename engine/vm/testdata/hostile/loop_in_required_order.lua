-- limit instructions
on("in:/test", function(event)
local function a() while true do end end
local ok = pcall(a)
print("after", ok)
end)
