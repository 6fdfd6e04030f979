-- error coroutine.create is not there
on("in:/test", function(event)
coroutine.create(function() while true do end end)
end)
