-- error load is not there
on("in:/test", function(event)
load(function() return "while true do end" end)
end)
