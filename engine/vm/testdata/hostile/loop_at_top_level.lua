-- limit instructions
while true do end
on("in:/test", print)
