-- error os.exit is not there
on("in:/test", function(event)
os.exit(1)
end)
