-- error setfenv is not there
on("in:/test", function(event)
setfenv(1, {})
end)
