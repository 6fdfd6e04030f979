-- limit instructions or memory
while true do on("in:/test", { name = "h" }, print) end
