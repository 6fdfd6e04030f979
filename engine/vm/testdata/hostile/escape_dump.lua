-- error string.dump is not there
on("in:/test", function(event)
string.dump(print)
end)
