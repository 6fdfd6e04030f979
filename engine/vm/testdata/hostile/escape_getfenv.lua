-- error getfenv is not there
on("in:/test", function(event)
getfenv(0)
end)
