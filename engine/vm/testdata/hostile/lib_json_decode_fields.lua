-- limit memory
on("in:/test", function(event)
local s = {}
for i = 1, 60000 do s[i] = '"k' .. i .. '":1' end
local text, t = "{" .. table.concat(s, ",") .. "}", {}
while true do t[#t + 1] = json.decode(text) end
end)
