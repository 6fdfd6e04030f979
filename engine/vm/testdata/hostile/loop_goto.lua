-- limit instructions
on("in:/test", function(event)
::top:: goto top
end)
