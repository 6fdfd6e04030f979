-- In format 1 the count was 0, and the run came to wait.
on("in:/count", { verify = "none" }, function()
  local sent = 0
  local function send() sent = sent + 1 end
  pcall(error, "no")
  send()
  state.put("counted", true)
  if sent == 0 then
    wait "3 days"
  end
end)
