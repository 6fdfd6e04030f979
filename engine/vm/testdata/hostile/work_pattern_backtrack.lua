-- limit instructions or time
on("in:/test", function(event)
("a"):rep(40000):match(("a?"):rep(30) .. ("a*"):rep(10) .. "b")
end)
