-- error
on("in:/test", function(event)
json.decode(("["):rep(1000000))
end)
