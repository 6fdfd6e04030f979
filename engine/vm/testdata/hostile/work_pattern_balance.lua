-- limit instructions or time
on("in:/test", function(event)
("("):rep(200000):find("%b()")
end)
