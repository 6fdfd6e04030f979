-- limit instructions or time
on("in:/test", function(event)
("b"):rep(100000):find("[" .. ("a"):rep(10000) .. "]")
end)
