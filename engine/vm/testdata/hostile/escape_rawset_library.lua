-- error rawset: argument 1: a table is needed
on("in:/test", function(event)
rawset(string, "upper", print)
end)
