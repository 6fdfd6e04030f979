-- error more than 32 captures
on("in:/test", function(event)
("a"):match(("()"):rep(100))
end)
