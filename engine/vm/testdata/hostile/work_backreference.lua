-- limit instructions or time
on("in:/test", function(event)
("a"):rep(200000):find("(a+)%1%1b")
end)
