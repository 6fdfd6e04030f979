-- limit instructions or time
on("in:/test", function(event)
("a"):rep(100000):find((".*"):rep(8) .. "x")
end)
