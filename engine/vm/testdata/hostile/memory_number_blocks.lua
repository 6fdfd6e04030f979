-- limit memory or instructions
on("in:/test", function(event)
local t, n = {}, 0.5
for i = 1, 1e9 do
  for j = 1, 32 do n = n + 1 end
  t[i] = n
end
end)
