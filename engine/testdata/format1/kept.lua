-- Replays alike in every format.
on("in:/kept", { verify = "none" }, function(event)
  state.put("before", event.data.n)
  wait "3 days"
  state.put("after", event.data.n)
end)
