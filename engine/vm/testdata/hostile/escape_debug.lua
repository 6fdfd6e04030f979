-- error debug.getregistry is not there
on("in:/test", function(event)
debug.getregistry()
end)
