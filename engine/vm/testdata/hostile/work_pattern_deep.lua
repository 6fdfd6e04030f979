-- error too complex
on("in:/test", function(event)
("a"):rep(1000):match(("a?"):rep(400))
end)
