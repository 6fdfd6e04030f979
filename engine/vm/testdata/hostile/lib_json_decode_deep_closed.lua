-- error
on("in:/test", function(event)
json.decode(("["):rep(400000) .. ("]"):rep(400000))
end)
