-- error string has no 'dump'
on("in:/test", function(event)
string.dump(print)
end)
