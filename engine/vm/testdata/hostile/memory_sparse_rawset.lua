-- limit memory
on("in:/test", function(event)
rawset({}, 16000000, 1)
end)
