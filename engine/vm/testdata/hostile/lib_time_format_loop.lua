-- limit instructions or time
on("in:/test", function(event)
while true do time.format("2026-12-01T09:00:00Z", "%Y-%m-%d") end
end)
