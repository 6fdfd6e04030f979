-- error setmetatable needs a table of the script
on("in:/test", function(event)
setmetatable(table, {})
end)
