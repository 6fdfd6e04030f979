-- A new event in one of your calendars is posted to a Slack channel.
local slack = require "slack"

local function starts(event)
  if event.start and event.start.date then return event.start.date .. ", all day" end
  return event.start and event.start.dateTime or "no time"
end

on("googlecalendar.event.created", function(event)
  local entry = event.data
  if entry.visibility == "private" then return log.info("a private event is not posted", { event = entry.id }) end
  slack.chat.post_message {
    channel = params.channel,
    text    = text.template("{{title}}, {{at}}{{where}}", {
      title = entry.summary or "Busy",
      at    = starts(entry),
      where = entry.location and " at " .. entry.location or "",
    }),
  }
end)
