-- limit instructions or time
on("in:/test", function(event)
("a"):rep(300000):gsub("a.-b", "")
end)
