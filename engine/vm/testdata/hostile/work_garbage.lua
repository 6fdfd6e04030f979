-- limit instructions or time
on("in:/test", function(event)
while true do local t = {1, 2, 3, a = {}} end
end)
