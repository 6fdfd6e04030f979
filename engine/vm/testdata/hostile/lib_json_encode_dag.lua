-- limit string length or memory or instructions or time
on("in:/test", function(event)
local t = {1}
for i = 1, 60 do t = { t, t } end
json.encode(t)
end)
