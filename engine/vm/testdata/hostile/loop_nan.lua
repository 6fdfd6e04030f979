-- limit instructions
on("in:/test", function(event)
local n = 0/0
for i = 1, 10 do i = n end
while n ~= n do end
end)
