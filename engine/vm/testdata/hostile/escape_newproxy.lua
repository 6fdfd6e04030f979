-- error newproxy is not there
on("in:/test", function(event)
newproxy(true)
end)
