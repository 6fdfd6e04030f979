-- limit instructions
on("in:/test", { where = function() while true do end end }, print)
