-- limit string length or memory
on("in:/test", function(event)
local s = ("x"):rep(100000)
text.template(("{{a}}"):rep(1000) .. ("{a}"):rep(1000) .. ("${a}"):rep(1000), { a = s })
end)
