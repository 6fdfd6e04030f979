-- The second step had other arguments in format 1.
on("in:/swap", { verify = "none" }, function(event)
  local a, b = "left", "right"
  state.put("before", event.data.n)
  a, b = b, a
  state.put("pair", { a = a, b = b })
  wait "3 days"
  state.put("after", { a = a, b = b })
end)
