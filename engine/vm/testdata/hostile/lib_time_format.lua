-- error the format has more than 1,000 bytes
on("in:/test", function(event)
time.format("2026-12-01T09:00:00Z", ("%Y"):rep(400000) .. ("%A"):rep(100000))
end)
