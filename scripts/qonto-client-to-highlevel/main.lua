-- A client in Qonto becomes a contact in HighLevel, by upsert. A new one gets a
-- note, a task to call, and a line in Slack.
local qonto     = require "qonto"
local highlevel = require "highlevel"
local slack     = require "slack"

local function full_name(client)
  return client.name or text.trim((client.first_name or "") .. " " .. (client.last_name or ""))
end

local to_contact = map {
  name        = required(full_name),                 -- a function of the client
  email       = "email",                             -- a path; left out when absent
  phone       = "phone_number",
  companyName = when({ kind = "company" }, "name"),
  address1    = "billing_address.street_address",
  city        = "billing_address.city",
  postalCode  = "billing_address.zip_code",
  source      = const "Qonto",
}

on({ "qonto.client.created", "qonto.client.updated" }, { name = "sync" }, function(event)
  -- The event may be older than the client, so the client is read again.
  local client  = qonto.clients.get { id = event.data.id }.client
  local answer  = highlevel.contacts.upsert(to_contact(client))
  local contact = answer.contact
  links.put("qonto.client", client.id, "highlevel.contact", contact.id)

  if event.type == "qonto.client.updated" and not answer.new then
    return log.info("contact brought up to date", { contact = contact.id })
  end

  highlevel.contacts.create_note {
    contactId = contact.id,
    body      = text.template("Client {{name}} was created in Qonto. Please follow up.", { name = full_name(client) }),
  }
  highlevel.contacts.create_task {
    contactId = contact.id,
    title     = params.task_title,
    dueDate   = time.after(params.task_due),
    completed = false,
  }
  slack.chat.post_message {
    channel = params.channel,
    text    = "New client: " .. full_name(client),
  }
end)
