-- A new appointment in HighLevel is posted to a Teams channel as a card.
local highlevel = require "highlevel"
local teams     = require "teams"

local function line(title, value)
  return { title = title, value = value }
end

local function card(appointment, who)
  return {
    type    = "AdaptiveCard",
    version = "1.4",
    body    = {
      { type = "TextBlock", text = "Appointment with " .. who, weight = "Bolder", size = "Medium", wrap = true },
      { type = "FactSet", facts = {
        line("What", appointment.title or "no title"),
        line("When", appointment.startTime or "no time"),
      } },
    },
  }
end

on("highlevel.appointment.created", function(event)
  local appointment = event.data.appointment
  local who = "somebody"
  if appointment.contactId then
    local found = try(highlevel.contacts.get, { contactId = appointment.contactId })
    if found then who = found.contact.name or found.contact.firstName or found.contact.email or who end
  end
  teams.webhooks.post {
    type        = "message",
    attachments = { { contentType = "application/vnd.microsoft.card.adaptive", content = card(appointment, who) } },
  }
end)
