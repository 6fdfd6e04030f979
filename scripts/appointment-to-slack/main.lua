-- A new appointment in HighLevel is posted to a Slack channel.
local highlevel = require "highlevel"
local slack     = require "slack"

on("highlevel.appointment.created", function(event)
  local appointment = event.data.appointment
  local who = "somebody"
  if appointment.contactId then
    local found = try(highlevel.contacts.get, { contactId = appointment.contactId })
    if found then who = found.contact.name or found.contact.firstName or found.contact.email or who end
  end
  slack.chat.post_message {
    channel = params.channel,
    text    = text.template("Appointment with {{who}}: {{title}}, {{at}}", {
      who   = who,
      title = appointment.title or "no title",
      at    = appointment.startTime or "no time",
    }),
  }
end)
