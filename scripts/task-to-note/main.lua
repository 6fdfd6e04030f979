-- For a completed task in Asana the HighLevel contact whose email address is in
-- the task's description gets a note.
local asana     = require "asana"
local highlevel = require "highlevel"

local function email_in(notes)
  return string.match(notes or "", "[%w%.%+%-_]+@[%w%-]+%.[%w%.%-]*%w")
end

on("asana.task.changed", { where = { ["change.field"] = "completed" } }, function(event)
  -- The event has the name of the changed field without its value.
  local task = asana.tasks.get {
    task_gid   = event.data.resource.gid,
    opt_fields = { "name", "notes", "completed", "permalink_url" },
  }.data
  local email = email_in(task.notes)
  if not task.completed or not email then return end

  local contact = highlevel.contacts.search {
    pageLimit = 1, filters = { { field = "email", operator = "eq", value = email } },
  }.contacts[1]
  if not contact then return log.info("no contact has this address", { email = email }) end
  highlevel.contacts.create_note {
    contactId = contact.id,
    body      = text.template("Done in Asana: {{name}}\n{{link}}", { name = task.name, link = task.permalink_url }),
  }
end)
