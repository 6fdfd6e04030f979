-- limit instructions
on("in:/test", function(event)
try(function() while true do end end)
error("the limit was caught")
end)
